// A TCP connection that speaks as much of HTTP, websocket (RFC 6455) and engine.io as a test wants spoken, and stops where
// it likes: half a header, half a frame, packets that no client library would send. Keeps what it hears, as text.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { settlement } from '../../shared/settlement.ts';

const UPGRADE =
  'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: coordinator\r\nConnection: Upgrade\r\n' +
  'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

export interface Frame {
  readonly opcode: 'continuation' | 'text' | 'binary';
  /** False: more frames of the same message follow. */
  readonly isLast?: boolean;
  /** What the header says the payload has; the payload's own length unless given. */
  readonly declaredLength?: number;
}

const OPCODES = { continuation: 0, text: 1, binary: 2 } as const;

/** A frame as a client sends it, masked with zeros. */
export function frame(payload: string | Uint8Array, { opcode, isLast = true, declaredLength }: Frame): Uint8Array {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(14);
  header[0] = (isLast ? 0x80 : 0) | OPCODES[opcode];
  header[1] = 0x80 | 127;
  header.writeBigUInt64BE(BigInt(declaredLength ?? bytes.length), 2);
  return Buffer.concat([header, bytes]);
}

export class RawSocket implements Disposable {
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #listeners = new Set<() => void>();
  #heard = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { promise, resolve } = settlement<void>();
    this.closed = promise;
    socket.on('data', (chunk) => {
      this.#heard += chunk.toString('latin1');
      this.#tell();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      resolve();
      this.#tell();
    });
  }

  static async connect(port: number): Promise<RawSocket> {
    const socket = connect({ port, host: '127.0.0.1' });
    const raw = new RawSocket(socket);
    await once(socket, 'connect');
    return raw;
  }

  /** Connected and upgraded. */
  static async upgraded(port: number): Promise<RawSocket> {
    const raw = await RawSocket.connect(port);
    await raw.upgrade();
    return raw;
  }

  /** Connected, upgraded and let into the namespace `/`, where it has still to join. */
  static async greeted(port: number): Promise<RawSocket> {
    const raw = await RawSocket.upgraded(port);
    raw.send('40');
    await raw.heard(/40\{"sid"/);
    return raw;
  }

  /** The status of the answer. */
  async upgrade(): Promise<number> {
    this.write(UPGRADE);
    const [, status] = await this.heard(/^HTTP\/1\.1 (\d+)/);
    return Number(status);
  }

  write(bytes: string | Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** One whole text message. */
  send(text: string): void {
    this.write(frame(text, { opcode: 'text' }));
  }

  /** What `pattern` finds in all that was heard, waited for. @throws Error when the connection ends without it. */
  async heard(pattern: RegExp): Promise<readonly string[]> {
    for (;;) {
      const found = pattern.exec(this.#heard);
      if (found) return found;
      if (this.#socket.destroyed) throw new Error(`closed without ${pattern}: ${this.#heard.slice(0, 200)}`);
      const { promise, resolve } = settlement<void>();
      this.#listeners.add(resolve);
      await promise;
      this.#listeners.delete(resolve);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
