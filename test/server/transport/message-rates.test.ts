import { describe, expect, it } from 'vitest';
import { SERVER_LIMITS } from '../../../server/transport/limits.ts';
import { type Asking, MessageRates, type SocketRate } from '../../../server/transport/message-rates.ts';
import { MAX_SPENT_ROUNDS } from '../../../shared/protocol/spent-statement.ts';
import { MAX_ROUNDS } from '../../../shared/protocol/terms.ts';
import { threeMembers } from '../../support/small-federation.ts';

const [anna, ben] = await threeMembers();
const { messages, greetings, statements } = SERVER_LIMITS;
const nowMs = 1_000;
const asking = (changes: Partial<Asking> = {}): Asking => ({
  event: 'decline',
  client: anna.client.id,
  nowMs,
  ...changes,
});

const allowed = (rate: SocketRate, times: number, changes: Partial<Asking> = {}): number =>
  Array.from({ length: times }, () => rate.allows(asking(changes))).filter(Boolean).length;

describe('what may be asked', () => {
  it('is limited a socket, a stranger’s too', () => {
    const rate = new MessageRates().ofSocket('203.0.113.7', nowMs);
    expect(allowed(rate, 100, { client: undefined, event: 'nonsense' })).toBe(messages.burst);
    expect(allowed(rate, 100, { nowMs: nowMs + 1_000 })).toBe(messages.perSecond);
  });

  it('is limited a client over all the sockets it joins with, and no other client pays for it', () => {
    const rates = new MessageRates();
    const sockets = Array.from({ length: 3 }, () => rates.ofSocket('203.0.113.7', nowMs));
    expect(sockets.map((socket) => allowed(socket, 30))).toEqual([30, 30, 0]);
    expect(allowed(rates.ofSocket('203.0.113.7', nowMs), 30, { client: ben.client.id })).toBe(30);
  });

  it('is limited for statements of spent rounds, each an entry of the ledger: the longest history, then one in a while', () => {
    const rates = new MessageRates();
    const state = (seconds: number): boolean =>
      rates.ofSocket('203.0.113.7', nowMs).allows(asking({ event: 'spent-rounds', nowMs: nowMs + seconds * 1_000 }));
    const first = Array.from({ length: statements.burst + 1 }, (_, i) => state(i / messages.perSecond));
    expect(first.lastIndexOf(true)).toBe(statements.burst - 1);
    expect([9, 11, 19, 21].map(state)).toEqual([false, true, false, true]);
    expect(statements.burst * MAX_SPENT_ROUNDS).toBeGreaterThanOrEqual(MAX_ROUNDS);
  });

  it('is limited an address for hello, join and opening a socket, but lets 400 clients of one address in at once', () => {
    const rates = new MessageRates();
    const clientEnters = (address: string): boolean => {
      const opened = rates.allowsSocket(address, nowMs);
      const socket = rates.ofSocket(address, nowMs);
      const greet = (event: string): boolean => socket.allows(asking({ event, client: undefined }));
      return opened && greet('hello') && greet('join');
    };
    const entered = Array.from({ length: 1_000 }, () => clientEnters('203.0.113.7')).filter(Boolean).length;
    expect(entered).toBeGreaterThan(400);
    expect(entered).toBe(Math.floor(greetings.burst / 3));
    expect(rates.allowsSocket('203.0.113.7', nowMs)).toBe(false);
    expect(clientEnters('203.0.113.8')).toBe(true);
    const joined = rates.ofSocket('203.0.113.7', nowMs);
    expect(allowed(joined, 10)).toBe(10);
    for (const event of ['hello', 'join']) expect(joined.allows(asking({ event }))).toBe(false);
  });

  it('is not limited for the chunks of a client that has joined, which their acknowledgements bound', () => {
    const rate = new MessageRates().ofSocket('203.0.113.7', nowMs);
    expect(allowed(rate, 1_000, { event: 'upload-chunk' })).toBe(1_000);
    expect(allowed(rate, 1_000, { event: 'upload-chunk', client: undefined })).toBe(messages.burst);
  });
});
