// A socket gateway on a port of its own with doors that admit everybody, and clients of socket.io that are put away when
// the test has ended.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { io, type Socket } from 'socket.io-client';
import { onTestFinished } from 'vitest';
import { SocketGateway } from '../../server/transport/socket-gateway.ts';
import { joinedSchema } from '../../shared/protocol/messages.ts';
import { settlement } from '../../shared/settlement.ts';
import { FakeClock } from './fake-clock.ts';
import { NotedDoors } from './noted-doors.ts';
import { federation, type Member } from './small-federation.ts';

/** Doors whose joins a test can hold back, and whose changes of the population it can wait for. */
export class CountedDoors extends NotedDoors {
  readonly #waiting: { readonly times: number; readonly resolve: () => void }[] = [];

  override populationChanged(): void {
    super.populationChanged();
    for (const { times, resolve } of this.#waiting) if (this.populationChanges >= times) resolve();
  }

  /** Holds the next joins back: `asked` resolves with the first of them, `release` lets them be answered. */
  holdJoins(): { readonly asked: Promise<void>; readonly release: () => void } {
    const [asked, gate] = [settlement<void>(), settlement<void>()];
    const admit = this.join.bind(this);
    this.join = async (request) => {
      asked.resolve();
      await gate.promise;
      return await admit(request);
    };
    return { asked: asked.promise, release: gate.resolve };
  }

  /** Resolves when the population has changed so many times since the start. */
  async changed(times: number): Promise<void> {
    const { promise, resolve } = settlement<void>();
    this.#waiting.push({ times, resolve });
    if (this.populationChanges >= times) resolve();
    await promise;
  }
}

export interface StartedGateway {
  readonly gateway: SocketGateway;
  readonly doors: CountedDoors;
  readonly http: Server;
  readonly clock: FakeClock;
  /** What was logged. */
  readonly lines: readonly string[];
  readonly port: number;
  readonly url: string;
}

export async function startGateway(): Promise<StartedGateway> {
  const doors = new CountedDoors();
  const http = createServer();
  const lines: string[] = [];
  const clock = new FakeClock();
  const gateway = new SocketGateway({ http, doors, clock, log: (line) => lines.push(line) });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => gateway.close());
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  return { gateway, doors, http, clock, lines, port, url: `http://127.0.0.1:${port}` };
}

export async function socketTo(url: string): Promise<Socket> {
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false });
  onTestFinished(() => void socket.disconnect());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return socket;
}

export const ask = (socket: Socket, event: string, message: unknown): Promise<unknown> =>
  socket.timeout(5_000).emitWithAck(event, message);

export async function join(socket: Socket, { key, client }: Member): Promise<string> {
  await ask(socket, 'hello', { federation, protocolVersions: [1] });
  const { publicKey } = key;
  const { name } = client;
  const message = { federation, publicKey, name, audience: '', invite: null, signature: '00'.repeat(64) };
  return joinedSchema.parse(await ask(socket, 'join', message)).token;
}
