import { io } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { ConnectionLostError } from '../../../client-sdk/connection/connection-lost-error.ts';
import { asDigest, asFederationId } from '../../../shared/ids.ts';
import { notedSchema, offerSchema } from '../../../shared/protocol/messages.ts';
import { isRefusalCode, refusalCatalogue, refuse } from '../../../shared/protocol/refusals.ts';
import { Arrivals } from '../../support/arrivals.ts';
import { CHUNK, FakeCoordinator, fakeTerms, federation } from '../../support/fake-coordinator.ts';
import { openConnection } from '../../support/fake-connection.ts';
import { HandClock } from '../../support/hand-clock.ts';

const never = new AbortController().signal;
const other = asFederationId('other-study');
const declining = { federation, round: 1, code: 'replayed' } as const;

/** Resolves when another client has come twice and said hello: what was to be done at once has been done by then. */
async function meanwhile({ url, hellos }: FakeCoordinator): Promise<void> {
  for (let visit = 0; visit < 2; visit++) {
    const socket = io(url, { transports: ['websocket'], forceNew: true });
    socket.emit('hello', { federation: other, protocolVersions: [1] }, () => undefined);
    while ((await hellos.next()).federation !== other);
    socket.disconnect();
  }
}

const hellosOf = ({ hellos }: FakeCoordinator): number =>
  hellos.all.filter((hello) => hello.federation === federation).length;

describe('joining', () => {
  it('says hello, proves the key over the challenge, and takes the coordinator’s limits', async () => {
    const coordinator = await FakeCoordinator.start();
    const { connection, key, joins } = await openConnection(coordinator);
    await connection.whenJoined(never);
    expect((await joins.next()).client).toBe(key.clientId);
    expect(connection.limits).toEqual(CHUNK);
    expect(await connection.token()).toMatch(/^[0-9a-f]{64}$/);
    expect(coordinator.hellos.all).toEqual([{ federation, protocolVersions: [1] }]);
  });

  it('joins anew after every broken connection, under a fresh challenge', async () => {
    const coordinator = await FakeCoordinator.start();
    const { joins } = await openConnection(coordinator);
    await joins.next();
    for (let i = 0; i < 2; i++) {
      coordinator.breakConnections();
      await joins.next();
    }
    expect(new Set(coordinator.joins.all.map(({ signature }) => signature)).size).toBe(3);
    expect(coordinator.sockets).toBe(1);
  });

  it('comes back when the coordinator closes the socket', async () => {
    const coordinator = await FakeCoordinator.start();
    const { connection, joins } = await openConnection(coordinator);
    await joins.next();
    coordinator.once('decline', (_honest, socket) => void socket.disconnect(true));
    const asking = connection.insist(() => connection.request('decline', declining, notedSchema), never);
    expect(await asking).toEqual({ kind: 'noted' });
    expect(joins.all).toHaveLength(2);
  });

  it.each(['hello', 'join'])('tries again when %s is never answered', async (event) => {
    const coordinator = await FakeCoordinator.start();
    coordinator.once(event, () => undefined);
    const { joins, refusals } = await openConnection(coordinator);
    await joins.next();
    expect([joins.all.length, refusals.all.length, coordinator.sockets]).toEqual([1, 0, 1]);
  });

  it.each(['hello', 'join'])('tries again when %s is broken off or answered with garbage', async (event) => {
    const coordinator = await FakeCoordinator.start();
    coordinator.once(event, () => ({ kind: 'welcome', challenge: 'too short' }));
    coordinator.once(event, () => refuse('rate-limited'));
    coordinator.once(event, () => coordinator.breakConnections());
    coordinator.once(event, (_honest, socket) => void socket.disconnect(true));
    // However slow the machine, no honest answer is late.
    const { joins, refusals } = await openConnection(coordinator, { timing: { answerTimeoutMs: 60_000 } });
    await joins.next();
    expect([joins.all.length, refusals.all.length, coordinator.hellos.all.length]).toEqual([1, 0, 5]);
    expect(coordinator.sockets).toBe(1);
  });

  it('waits before it tries again: a coordinator that talks nonsense is not flooded', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.always('hello', () => 'nonsense');
    await openConnection(coordinator, { timing: { reopenDelayMs: 60_000 } });
    await coordinator.hellos.next();
    await meanwhile(coordinator);
    expect(hellosOf(coordinator)).toBe(1);
  });

  it.each(['hello', 'join'] as const)('gives up for good when %s is refused', async (event) => {
    const coordinator = await FakeCoordinator.start();
    coordinator.always(event, () => refuse('unsupported-protocol', { expected: 'version 7', found: 'version 1' }));
    const { joins, refusals } = await openConnection(coordinator);
    const { refusal } = await refusals.next();
    expect(refusal).toMatchObject({ code: 'unsupported-protocol', expected: 'version 7', found: 'version 1' });
    expect(await coordinator.departures.next()).toBe('client namespace disconnect');
    await meanwhile(coordinator);
    expect([hellosOf(coordinator), joins.all.length]).toEqual([1, 0]);
  });

  it('signs the origin of the address that it was given, and no more of it', async () => {
    const coordinator = await FakeCoordinator.start();
    const { joins } = await openConnection({ url: `${coordinator.url}/?ward=7` });
    await joins.next();
    expect(coordinator.joins.all.map(({ audience }) => audience)).toEqual([coordinator.url]);
  });

  it('signs nothing for a coordinator whose ledger is not the one it should be', async () => {
    const coordinator = await FakeCoordinator.start();
    const met: string[] = [];
    const { refusals } = await openConnection(coordinator, {
      meet: (ledgerKey) => {
        met.push(ledgerKey);
        return refuse('bad-checkpoint');
      },
    });
    expect((await refusals.next()).refusal.code).toBe('bad-checkpoint');
    expect([met, coordinator.joins.all]).toEqual([[coordinator.ledger.publicKey], []]);
  });

  it.each(['revoked', 'look-alike-name', 'bad-name', 'wrong-audience', 'banned', 'not-enrolled'] as const)(
    'does not ask again after %s',
    async (code) => {
      const coordinator = await FakeCoordinator.start();
      coordinator.always('join', () => refuse(code));
      const { refusals, delays } = await openConnection(coordinator, { timing: { reopenDelayMs: 1 } });
      expect((await refusals.next()).refusal.code).toBe(code);
      await meanwhile(coordinator);
      expect([coordinator.joins.all.length, delays.all]).toEqual([1, []]);
    },
  );

  it('waits for an admin’s approval, longer than for anything else, and asks again', async () => {
    const coordinator = await FakeCoordinator.start();
    const clock = new HandClock();
    coordinator.once('join', () => refuse('awaiting-approval'));
    coordinator.once('join', () => refuse('rate-limited'));
    const timing = { approvalDelayMs: 7_000, reopenDelayMs: 500 };
    const { joins, delays } = await openConnection(coordinator, { timing, clock });
    expect((await delays.next())?.code).toBe('awaiting-approval');
    expect([await coordinator.departures.next(), clock.running]).toEqual(['client namespace disconnect', [7_000]]);
    clock.elapse(7_000);
    expect((await delays.next())?.code).toBe('rate-limited');
    clock.elapse(500);
    await joins.next();
  });

  it('asks for another challenge at once when it was too slow for the first, on the same socket', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.once('join', () => refuse('challenge-expired'));
    const { joins } = await openConnection(coordinator, { timing: { reopenDelayMs: 60_000 } });
    await joins.next();
    expect([coordinator.hellos.all.length, coordinator.departures.all]).toEqual([2, []]);
  });

  it('does not flood a coordinator whose challenges have always expired', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.always('join', () => refuse('challenge-expired'));
    const { delays } = await openConnection(coordinator, { timing: { reopenDelayMs: 60_000 } });
    expect((await delays.next())?.code).toBe('challenge-expired');
    await meanwhile(coordinator);
    expect(hellosOf(coordinator)).toBe(2);
  });

  it('is not taken in by the terms or the offer of another federation', async () => {
    for (const wrong of [
      { terms: { ...fakeTerms, federation: other } },
      {
        offer: {
          federation: other,
          round: 1,
          baseModelDigest: asDigest('ab'.repeat(32)),
          deadlineMs: 1,
          checkpoint: '',
        },
      },
    ]) {
      const coordinator = await FakeCoordinator.start();
      coordinator.always('join', async (honest) => ({ ...(await honest()), ...wrong }));
      const { joins, refusals } = await openConnection(coordinator);
      expect((await refusals.next()).refusal).toMatchObject({ code: 'wrong-federation', found: 'other-study' });
      expect(joins.all).toEqual([]);
    }
  });

  it.each(['hello', 'join'])('stays closed when it was closed while %s was being answered', async (event) => {
    const coordinator = await FakeCoordinator.start();
    const asked = new Arrivals<true>();
    coordinator.always(event, () => asked.push(true));
    const { connection } = await openConnection(coordinator, { timing: { reopenDelayMs: 1 } });
    await asked.next();
    connection.close();
    await meanwhile(coordinator);
    expect(hellosOf(coordinator)).toBe(1);
  });

  it('has not joined when the coordinator closes the socket together with its answer', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.once('join', async (honest, socket) => {
      const answer = await honest();
      process.nextTick(() => socket.disconnect());
      return answer;
    });
    const { connection, joins } = await openConnection(coordinator);
    await connection.whenJoined(never);
    expect([joins.all.length, coordinator.joins.all.length]).toEqual([1, 2]);
  });

  it('stays closed when it was closed while it waited to connect anew', async () => {
    const coordinator = await FakeCoordinator.start();
    const { connection, joins } = await openConnection(coordinator, { timing: { reopenDelayMs: 1 } });
    await joins.next();
    coordinator.once('decline', (_honest, socket) => void socket.disconnect(true));
    await expect(connection.request('decline', declining, notedSchema)).rejects.toThrow(ConnectionLostError);
    connection.close();
    await meanwhile(coordinator);
    expect(hellosOf(coordinator)).toBe(1);
  });
});

describe('messages', () => {
  const offers = (connection: Awaited<ReturnType<typeof openConnection>>['connection']): Arrivals<number> => {
    const heard = new Arrivals<number>();
    connection.on('round-offered', offerSchema, ({ round }) => heard.push(round));
    return heard;
  };

  it('are passed on in order; those of another federation or another form are not for us', async () => {
    const coordinator = await FakeCoordinator.start();
    const { connection, joins } = await openConnection(coordinator);
    const heard = offers(connection);
    await joins.next();
    coordinator.send('round-offered', coordinator.offerOf(1));
    coordinator.send('round-offered', { ...coordinator.offerOf(2), federation: other });
    coordinator.send('round-offered', { ...coordinator.offerOf(3), round: -3 });
    coordinator.send('round-offered', coordinator.offerOf(4));
    expect([await heard.next(), await heard.next()]).toEqual([1, 4]);
    expect(heard.all).toEqual([1, 4]);
  });

  it('that arrive together with the answer to the join are passed on after it', async () => {
    const coordinator = await FakeCoordinator.start();
    const order: string[] = [];
    coordinator.once('join', async (honest) => {
      const answer = await honest();
      // After the answer has been written, in the same turn.
      process.nextTick(() => coordinator.send('round-offered', coordinator.offerOf(1)));
      return answer;
    });
    const { connection, joins } = await openConnection(coordinator);
    const heard = offers(connection);
    const push = joins.push.bind(joins);
    joins.push = (joined) => {
      order.push('joined');
      push(joined);
    };
    order.push(`offered ${await heard.next()}`);
    expect(order).toEqual(['joined', 'offered 1']);
  });
});

describe('the token', () => {
  it('is renewed when little of its life is left, on the same join', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.tokenExpiresInMs = 100_000;
    const clock = new HandClock();
    const { connection, joins } = await openConnection(coordinator, { clock });
    const { token } = await joins.next();
    expect(await connection.token()).toBe(token);
    clock.elapse(70_000);
    const renewed = await connection.token();
    expect([renewed === token, coordinator.renewals.all]).toEqual([false, [{ federation }]]);
    expect(await connection.token()).toBe(renewed);
  });

  it('that is not renewed ends with the coordinator’s refusal', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.always('renew-token', () => refuse('banned'));
    const clock = new HandClock();
    const { connection, joins } = await openConnection(coordinator, { clock });
    await joins.next();
    clock.elapse(3_570_000);
    await expect(connection.token()).rejects.toMatchObject({ refusal: { code: 'banned' } });
  });

  it('ends with the join, and leaves no timer', async () => {
    const coordinator = await FakeCoordinator.start();
    const clock = new HandClock();
    const { connection, joins } = await openConnection(coordinator, { clock });
    await joins.next();
    expect(clock.running).toEqual([3_570_000]);
    coordinator.breakConnections();
    await joins.next();
    expect(clock.running).toEqual([3_570_000]);
    connection.close();
    expect(clock.running).toEqual([]);
    await expect(connection.token()).rejects.toThrow(ConnectionLostError);
  });
});

describe('asking', () => {
  it('about one join ends with that join: what is asked again is asked of the same', async () => {
    const coordinator = await FakeCoordinator.start();
    const { connection, joins } = await openConnection(coordinator);
    const ask = (): Promise<unknown> => connection.request('decline', declining, notedSchema);
    const asking = (): Promise<unknown> => connection.insistInThisJoin(ask, never);
    await expect(asking()).rejects.toThrow('the join has ended');
    await joins.next();
    coordinator.once('decline', () => undefined);
    coordinator.once('decline', () => refuse('rate-limited'));
    expect(await asking()).toEqual({ kind: 'noted' });
    coordinator.once('decline', () => coordinator.breakConnections());
    await expect(asking()).rejects.toThrow('the join has ended');
    await joins.next();
    expect(coordinator.declines.all).toHaveLength(4);
    await expect(connection.insistInThisJoin(ask, AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
  });

  it('ends when no answer comes, or none that fits, when the connection breaks, and when there is none', async () => {
    const coordinator = await FakeCoordinator.start();
    const { connection, joins } = await openConnection(coordinator);
    const ask = (): Promise<unknown> => connection.request('decline', declining, notedSchema);
    await joins.next();
    coordinator.once('decline', () => undefined);
    await expect(ask()).rejects.toThrow('no answer to decline');
    coordinator.once('decline', () => ({ kind: 'perhaps' }));
    await expect(ask()).rejects.toThrow('the answer to decline does not fit protocol version 1');
    coordinator.once('decline', () => coordinator.breakConnections());
    await expect(ask()).rejects.toThrow(ConnectionLostError);
    await expect(ask()).rejects.toThrow('not connected, decline was not sent');
    await expect(connection.token()).rejects.toThrow(ConnectionLostError);
  });

  it.each(Object.entries(refusalCatalogue).map(([code, { retryable }]) => ({ code, retryable })))(
    'is done again after $code where the catalogue says so: $retryable',
    async ({ code, retryable }) => {
      if (!isRefusalCode(code)) throw new Error('expected a code');
      const coordinator = await FakeCoordinator.start();
      const { connection } = await openConnection(coordinator);
      coordinator.once('decline', () => refuse(code));
      const answer = await connection.insist(() => connection.request('decline', declining, notedSchema), never);
      expect(answer).toMatchObject({ kind: retryable ? 'noted' : 'refused' });
      expect(coordinator.declines.all).toHaveLength(retryable ? 2 : 1);
    },
  );

  it('does not outlive its signal: neither while nobody is there nor between two attempts', async () => {
    const coordinator = await FakeCoordinator.start();
    const { connection, joins } = await openConnection(coordinator, { timing: { retryDelayMs: 60_000 } });
    await joins.next();
    const over = new AbortController();
    const failed = new Arrivals<true>();
    const insisting = connection.insist(async () => {
      failed.push(true);
      return await Promise.reject(new ConnectionLostError('lost'));
    }, over.signal);
    await failed.next();
    await new Promise(setImmediate);
    connection.close();
    const waiting = connection.whenJoined(over.signal);
    over.abort(new Error('the round is over'));
    await expect(waiting).rejects.toThrow('the round is over');
    await expect(insisting).rejects.toThrow('the round is over');
    expect(failed.all).toHaveLength(1);
  });

  it('does not wait at all when the signal was aborted by what failed', async () => {
    const coordinator = await FakeCoordinator.start();
    const { connection, joins } = await openConnection(coordinator, { timing: { retryDelayMs: 60_000 } });
    await joins.next();
    const over = new AbortController();
    const insisting = connection.insist(async () => {
      over.abort(new Error('left'));
      return await Promise.reject(new ConnectionLostError('lost'));
    }, over.signal);
    await expect(insisting).rejects.toThrow('left');
  });

  it('passes on any fault that is not a lost connection, at once', async () => {
    const coordinator = await FakeCoordinator.start();
    const { connection } = await openConnection(coordinator);
    let attempts = 0;
    const insisting = connection.insist(async () => {
      attempts++;
      return await Promise.reject(new Error('disk full'));
    }, never);
    await expect(insisting).rejects.toThrow('disk full');
    expect(attempts).toBe(1);
  });
});
