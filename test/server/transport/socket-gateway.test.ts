import { once } from 'node:events';
import { createServer } from 'node:http';
import { io, type Socket } from 'socket.io-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SocketGateway } from '../../../server/transport/socket-gateway.ts';
import type { ClientId } from '../../../shared/ids.ts';
import { joinedSchema } from '../../../shared/protocol/messages.ts';
import { settlement } from '../../../shared/settlement.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { NotedDoors } from '../../support/noted-doors.ts';
import { federation, type Member, threeMembers } from '../../support/small-federation.ts';

const [anna, ben] = await threeMembers();

/** Resolves when the population has changed so many times since the start. */
class CountedDoors extends NotedDoors {
  readonly #waiting: { readonly times: number; readonly resolve: () => void }[] = [];

  override populationChanged(): void {
    super.populationChanged();
    for (const { times, resolve } of this.#waiting) if (this.populationChanges >= times) resolve();
  }

  async changed(times: number): Promise<void> {
    const { promise, resolve } = settlement<void>();
    this.#waiting.push({ times, resolve });
    if (this.populationChanges >= times) resolve();
    await promise;
  }
}

async function startGateway(doors = new CountedDoors()) {
  const http = createServer();
  const lines: string[] = [];
  const gateway = new SocketGateway({ http, doors, clock: new FakeClock(), log: (line) => lines.push(line) });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => gateway.close());
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { gateway, doors, http, lines, url: `http://127.0.0.1:${address.port}` };
}

async function socketTo(url: string): Promise<Socket> {
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false });
  onTestFinished(() => void socket.disconnect());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return socket;
}

const ask = (socket: Socket, event: string, message: unknown): Promise<unknown> =>
  socket.timeout(5_000).emitWithAck(event, message);

async function join(socket: Socket, { key, client }: Member): Promise<string> {
  await ask(socket, 'hello', { federation, protocolVersions: [1] });
  const message = { federation, publicKey: key.publicKey, name: client.name, invite: null, signature: '00'.repeat(64) };
  return joinedSchema.parse(await ask(socket, 'join', message)).token;
}

const closed = (socket: Socket): Promise<unknown> => new Promise((resolve) => void socket.once('disconnect', resolve));

describe('the sockets of clients', () => {
  it('make their clients present, with a token that lives as long as they do', async () => {
    const { gateway, doors, url } = await startGateway();
    const socket = await socketTo(url);
    expect(gateway.connected).toEqual([]);
    const token = await join(socket, anna);
    expect(gateway.connected).toEqual([anna.client.id]);
    expect([gateway.isToken(token), gateway.isToken(''), gateway.isToken(token.slice(1))]).toEqual([
      true,
      false,
      false,
    ]);
    socket.disconnect();
    await doors.changed(2);
    expect(gateway.connected).toEqual([]);
    expect(gateway.isToken(token)).toBe(false);
  });

  it('leave no client behind when they go while it is being admitted', async () => {
    const { gateway, doors, http, url } = await startGateway();
    const [asked, gate] = [settlement<void>(), settlement<void>()];
    const admit = doors.join.bind(doors);
    doors.join = async (request) => {
      asked.resolve();
      await gate.promise;
      return await admit(request);
    };
    const seenToGo = new Promise((resolve) => void http.once('connection', (each) => each.once('close', resolve)));
    const gone = await socketTo(url);
    const stays = await socketTo(url);
    const joining = join(gone, anna).catch(() => undefined);
    await asked.promise;
    gone.disconnect();
    await seenToGo;
    gate.resolve();
    await join(stays, ben);
    await joining;
    expect(gateway.connected).toEqual([ben.client.id]);
  });

  it('are one a client: whoever joins again takes over, and the earlier socket is closed', async () => {
    const { gateway, doors, url } = await startGateway();
    const [first, second] = [await socketTo(url), await socketTo(url)];
    const firstToken = await join(first, anna);
    const firstClosed = closed(first);
    const secondToken = await join(second, anna);
    await firstClosed;
    expect(gateway.connected).toEqual([anna.client.id]);
    expect([gateway.isToken(firstToken), gateway.isToken(secondToken)]).toEqual([false, true]);
    expect(doors.populationChanges).toBe(2);
  });

  it('hear what is sent to their client and to no other', async () => {
    const { gateway, url } = await startGateway();
    const [first, second] = [await socketTo(url), await socketTo(url)];
    await join(first, anna);
    await join(second, ben);
    const heard: [ClientId, unknown][] = [];
    const arrived = settlement<void>();
    first.on('federation-finished', (message) => heard.push([anna.client.id, message]));
    second.on('federation-finished', (message) => {
      heard.push([ben.client.id, message]);
      arrived.resolve();
    });
    gateway.send(ben.client.id, 'federation-finished', { federation });
    await arrived.promise;
    await ask(first, 'hello', { federation, protocolVersions: [1] });
    expect(heard).toEqual([[ben.client.id, { federation }]]);
  });

  it('are closed by a fault of ours, each its own alone, and the fault is logged without what was sent', async () => {
    const { gateway, doors, lines, url } = await startGateway();
    doors.decline = () => Promise.reject(new Error('disk full'));
    const [first, second] = [await socketTo(url), await socketTo(url)];
    await join(first, anna);
    await join(second, ben);
    const firstClosed = closed(first);
    first.emit('decline', { federation, round: 1, code: 'budget-exhausted' });
    await firstClosed;
    expect(lines).toEqual(['fault while answering decline: Error: disk full']);
    await doors.changed(3);
    expect(gateway.connected).toEqual([ben.client.id]);
  });

  it('may ask without waiting for an answer, or with nothing to ask', async () => {
    const { doors, url } = await startGateway();
    const socket = await socketTo(url);
    socket.emit('hello');
    socket.emit('nonsense', 1, 2, 3);
    await ask(socket, 'hello', { federation, protocolVersions: [1] });
    expect(doors.turnedAwayAs.map(({ code }) => code)).toEqual(['malformed-message', 'malformed-message']);
  });

  it('speak websocket only', async () => {
    const { url } = await startGateway();
    const response = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
    expect(response.status).toBe(400);
  });
});
