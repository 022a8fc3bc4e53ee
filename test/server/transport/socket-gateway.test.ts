import type { Socket } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import type { ClientId } from '../../../shared/ids.ts';
import { settlement } from '../../../shared/settlement.ts';
import { federation, threeMembers } from '../../support/small-federation.ts';
import { ask, join, socketTo, startGateway } from '../../support/started-gateway.ts';

const [anna, ben] = await threeMembers();

const closed = (socket: Socket): Promise<unknown> => new Promise((resolve) => void socket.once('disconnect', resolve));

describe('the sockets of clients', () => {
  it('make their clients present, with a token that lives as long as they do', async () => {
    const { gateway, doors, clock, url } = await startGateway();
    const now = clock.now();
    const socket = await socketTo(url);
    expect(gateway.connected).toEqual([]);
    const token = await join(socket, anna);
    expect(gateway.connected).toEqual([anna.client.id]);
    expect([token, '', token.slice(1)].map((text) => gateway.isToken(text, now))).toEqual([true, false, false]);
    socket.disconnect();
    await doors.changed(2);
    expect(gateway.connected).toEqual([]);
    expect(gateway.isToken(token, now)).toBe(false);
  });

  it('leave no client behind when they go while it is being admitted', async () => {
    const { gateway, doors, http, url } = await startGateway();
    const { asked, release } = doors.holdJoins();
    const seenToGo = new Promise((resolve) => void http.once('connection', (each) => each.once('close', resolve)));
    const gone = await socketTo(url);
    const stays = await socketTo(url);
    const joining = join(gone, anna).catch(() => undefined);
    await asked;
    gone.disconnect();
    await seenToGo;
    release();
    await join(stays, ben);
    await joining;
    expect(gateway.connected).toEqual([ben.client.id]);
  });

  it('are closed again where their client was barred while its join was being answered', async () => {
    const { gateway, doors, url } = await startGateway();
    doors.active = false;
    const socket = await socketTo(url);
    const gone = closed(socket);
    await join(socket, anna);
    await gone;
    await doors.changed(2);
    expect(gateway.connected).toEqual([]);
  });

  it('are one a client: whoever joins again takes over, and the earlier socket is closed', async () => {
    const { gateway, doors, clock, url } = await startGateway();
    const [first, second] = [await socketTo(url), await socketTo(url)];
    const firstToken = await join(first, anna);
    const firstClosed = closed(first);
    const secondToken = await join(second, anna);
    await firstClosed;
    expect(gateway.connected).toEqual([anna.client.id]);
    expect([firstToken, secondToken].map((token) => gateway.isToken(token, clock.now()))).toEqual([false, true]);
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
