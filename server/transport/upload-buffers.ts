// Chunks -> whole updates. One buffer a client, made only for an announced update and of exactly the length that its
// signed statement declares (which integrity has bounded by the model's size), and only while all of them together stay
// within a limit. A buffer outlives its socket: a client that comes back goes on from the offset it is told.

import type { ClientId } from '../../shared/ids.ts';
import type { Envelope } from '../../shared/protocol/envelope.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { AnnouncedUpdate, ReceivedUpdate } from '../update/stages.ts';
import { SERVER_LIMITS } from './limits.ts';

interface Buffer {
  readonly announced: AnnouncedUpdate;
  readonly bytes: Uint8Array<ArrayBuffer>;
  received: number;
}

export interface Arrived {
  readonly kind: 'arrived';
  /** All bytes before this offset are here. */
  readonly offset: number;
}

export interface UploadLimits {
  /** Updates announced and not yet handed over, of all clients. */
  readonly uploads: number;
  /** Their bytes, as declared. */
  readonly uploadBytes: number;
}

export class UploadBuffers {
  readonly #limits: UploadLimits;
  readonly #buffers = new Map<ClientId, Buffer>();
  /** Of all buffers. */
  #bytes = 0;

  constructor(limits: UploadLimits = SERVER_LIMITS) {
    this.#limits = limits;
  }

  /**
   * The offset to send from: 0, or more when this very update was interrupted. Refused while others' uploads take up all
   * the room there is; what the client had under way before stays as it is then.
   */
  open(announced: AnnouncedUpdate): number | Refused {
    const { client, envelope } = announced;
    const known = this.#buffers.get(client.id);
    if (known && isSameUpdate(known.announced.envelope, envelope)) return known.received;
    const bytes = this.#bytes - (known?.bytes.byteLength ?? 0) + envelope.byteLength;
    const uploads = this.#buffers.size + (known ? 0 : 1);
    if (bytes > this.#limits.uploadBytes || uploads > this.#limits.uploads) return noRoom();
    this.#buffers.set(client.id, { announced, bytes: new Uint8Array(envelope.byteLength), received: 0 });
    this.#bytes = bytes;
    return 0;
  }

  /** A chunk that does not start where the last one ended is not taken; the offset says where to go on. */
  append(client: ClientId, chunk: { round: number; offset: number; bytes: Uint8Array }): Arrived | Refused {
    const buffer = this.#buffers.get(client);
    if (!buffer || buffer.announced.envelope.round !== chunk.round) return notAnnounced();
    if (chunk.offset !== buffer.received) return { kind: 'arrived', offset: buffer.received };
    const end = buffer.received + chunk.bytes.byteLength;
    if (end > buffer.bytes.byteLength) {
      return refuse('bad-length', { expected: `${buffer.bytes.byteLength} bytes in all`, found: `${end} or more` });
    }
    buffer.bytes.set(chunk.bytes, buffer.received);
    buffer.received = end;
    return { kind: 'arrived', offset: end };
  }

  /** Hands over what has arrived, whole or not, and forgets it. */
  take(client: ClientId, round: number): ReceivedUpdate | Refused {
    const buffer = this.#buffers.get(client);
    if (!buffer || buffer.announced.envelope.round !== round) return notAnnounced();
    this.#buffers.delete(client);
    const { announced, bytes, received } = buffer;
    this.#bytes -= bytes.byteLength;
    return { kind: 'received', announced, bytes: received === bytes.byteLength ? bytes : bytes.slice(0, received) };
  }

  /** The round is over: what had not arrived is dropped. */
  clear(): void {
    this.#buffers.clear();
    this.#bytes = 0;
  }
}

const isSameUpdate = (a: Envelope, b: Envelope): boolean =>
  a.round === b.round && a.updateDigest === b.updateDigest && a.byteLength === b.byteLength;

const noRoom = (): Refused =>
  refuse('rate-limited', {
    message: 'too many uploads at once',
    hint: 'begin the upload again in a moment: others are sending theirs',
  });

const notAnnounced = (): Refused =>
  refuse('malformed-message', {
    expected: 'upload-begin first',
    hint: 'begin the upload again: it goes on where it stopped',
  });
