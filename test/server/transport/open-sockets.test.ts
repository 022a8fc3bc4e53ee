import { once } from 'node:events';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { SERVER_LIMITS } from '../../../server/transport/limits.ts';
import { OpenSockets } from '../../../server/transport/open-sockets.ts';
import { settlement } from '../../../shared/settlement.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const { joinDeadlineMs, bytesBeforeJoin, readsBeforeJoin, strangers, strangersPerAddress, joined } = SERVER_LIMITS;

/** Never connected: what it hears is what a test emits. */
function fakeSocket(address = '203.0.113.7'): Socket {
  return Object.defineProperty(new Socket(), 'remoteAddress', { value: address });
}

const hears = (socket: Socket, bytes: number): unknown => socket.emit('data', Buffer.alloc(bytes));

async function goes(socket: Socket | undefined): Promise<void> {
  if (!socket) throw new Error('expected a socket');
  socket.destroy();
  await once(socket, 'close');
}

function openSockets() {
  const clock = new FakeClock();
  const reasons: string[] = [];
  const open = new OpenSockets({ clock, onClosed: (reason) => reasons.push(reason) });
  const enter = (socket: Socket): number | undefined => open.enter(socket)?.httpStatus;
  const entered = (address?: string): Socket => {
    const socket = fakeSocket(address);
    expect(enter(socket)).toBeUndefined();
    return socket;
  };
  return { clock, reasons, open, enter, entered };
}

const TOO_MUCH = `more than ${bytesBeforeJoin} bytes or ${readsBeforeJoin} reads without a join`;

describe('a socket that has not joined', () => {
  it('is closed at its deadline, not before', () => {
    const { clock, reasons, entered } = openSockets();
    const socket = entered();
    clock.advance(joinDeadlineMs - 1);
    expect(socket.destroyed).toBe(false);
    clock.advance(1);
    expect(socket.destroyed).toBe(true);
    expect(reasons).toEqual([`no join within ${joinDeadlineMs} ms`]);
  });

  it('does not pay for the time that we take to answer: it is closed after the answer, unless that was its join', async () => {
    const { clock, open, entered } = openSockets();
    const [refused, admitted] = [entered(), entered()];
    const [first, second] = [settlement<void>(), settlement<void>()];
    const answering = [
      open.whileAnswering(refused, () => first.promise),
      open.whileAnswering(refused, () => second.promise),
      open.whileAnswering(admitted, async () => {
        await second.promise;
        open.joined(admitted);
      }),
    ];
    clock.advance(2 * joinDeadlineMs);
    first.resolve();
    await answering[0];
    expect(refused.destroyed).toBe(false);
    second.resolve();
    await Promise.all(answering);
    expect([refused.destroyed, admitted.destroyed]).toEqual([true, false]);
  });

  it('is closed at its deadline after an answer that failed', async () => {
    const { clock, open, entered } = openSockets();
    const socket = entered();
    await expect(open.whileAnswering(socket, () => Promise.reject(new Error('fault')))).rejects.toThrow('fault');
    clock.advance(joinDeadlineMs);
    expect(socket.destroyed).toBe(true);
  });

  it('is closed by the byte that is too much', () => {
    const { reasons, entered } = openSockets();
    const socket = entered();
    hears(socket, bytesBeforeJoin - 1);
    hears(socket, 1);
    expect(socket.destroyed).toBe(false);
    hears(socket, 1);
    expect(socket.destroyed).toBe(true);
    expect(reasons).toEqual([TOO_MUCH]);
  });

  it('is closed when it sends its bytes one by one', () => {
    const { entered } = openSockets();
    const socket = entered();
    for (let i = 0; i < readsBeforeJoin; i++) hears(socket, 1);
    expect(socket.destroyed).toBe(false);
    hears(socket, 1);
    expect(socket.destroyed).toBe(true);
  });

  it('leaves no timer and no listener behind once it has joined, or has gone', async () => {
    const { clock, open, entered } = openSockets();
    const [stays, left] = [entered(), entered()];
    open.joined(stays);
    await goes(left);
    expect([clock.pending, stays.listenerCount('data'), left.listenerCount('data')]).toEqual([0, 0, 0]);
    hears(stays, 2 * bytesBeforeJoin);
    clock.advance(joinDeadlineMs);
    expect(stays.destroyed).toBe(false);
  });

  it('goes when all strangers do', () => {
    const { open, entered } = openSockets();
    const [stays, stranger] = [entered(), entered()];
    open.joined(stays);
    open.closeStrangers();
    expect([stays.destroyed, stranger.destroyed]).toEqual([false, true]);
  });
});

describe('sockets that have not joined', () => {
  it('are so many of one address at most, all addresses of a /64 being one', async () => {
    const { open, enter, entered } = openSockets();
    const sockets = Array.from({ length: strangersPerAddress }, (_, i) => entered(`2001:db8::${i.toString(16)}`));
    const one = fakeSocket('2001:db8::ffff:1');
    expect(enter(one)).toBe(429);
    entered('2001:db8:0:1::1');
    const [first, second] = sockets;
    if (first) open.joined(first);
    await goes(second);
    for (const address of ['2001:db8::a:1', '2001:db8::a:2']) entered(address);
    expect(enter(one)).toBe(429);
  });

  it('are so many in all at most, and those that have joined do not count among them', () => {
    const { open, enter, entered } = openSockets();
    const [first] = Array.from({ length: strangers }, (_, i) => entered(`203.0.${i >> 8}.${i & 255}`));
    expect(enter(fakeSocket())).toBe(503);
    if (first) open.joined(first);
    expect(enter(fakeSocket())).toBeUndefined();
  });
});

describe('sockets that have joined', () => {
  it('are so many at most: then nobody is let in until one has gone', async () => {
    const { open, enter, entered } = openSockets();
    const sockets = Array.from({ length: joined }, () => {
      const socket = entered();
      open.joined(socket);
      return socket;
    });
    expect(enter(fakeSocket())).toBe(503);
    await goes(sockets[0]);
    expect(enter(fakeSocket())).toBeUndefined();
  });
});
