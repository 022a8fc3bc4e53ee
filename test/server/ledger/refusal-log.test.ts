import { describe, expect, it } from 'vitest';
import type { LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import { RefusalLog } from '../../../server/ledger/refusal-log.ts';
import type { ClientId, Digest } from '../../../shared/ids.ts';
import { refuse } from '../../../shared/protocol/refusals.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { digest } from '../../support/federation-facts.ts';
import { announcedBy, threeMembers, updateFile } from '../../support/small-federation.ts';

const [annasKey, bensKey] = await threeMembers();
const [{ id: anna }, { id: ben }] = [annasKey.client, bensKey.client];
const { refusal } = refuse('bad-signature', { expected: 'a signature', found: 'none', hint: 'sign it' });
const { refusal: another } = refuse('not-in-cohort');
const MINUTE_MS = 60_000;
const bytes = updateFile([1, 2, 3, 4, 5, 6]);
const { envelope, signature } = await announcedBy(annasKey, bytes);
const second = { envelope, signature };

/** `appended`: the events of each transaction. */
function noted() {
  const appended: LedgerEvent[][] = [];
  const faults: unknown[] = [];
  const clock = new FakeClock();
  const append = (...events: readonly LedgerEvent[]): Promise<void> => {
    appended.push([...events]);
    return Promise.resolve();
  };
  const log = new RefusalLog({ ledger: { append }, clock, onFault: (fault) => void faults.push(fault) });
  const times = async (count: number, client: ClientId | null, round: number | null = 1): Promise<void> => {
    await Promise.all(Array.from({ length: count }, () => log.record(refusal, { round, client })));
  };
  return { appended, events: () => appended.flat(), faults, clock, log, times };
}

const counted = (round: number | null, client: ClientId | null, counts: Record<string, number>) => ({
  type: 'refusals-counted',
  round,
  client,
  counts,
});

describe('the record of refusals', () => {
  it('names round, client and code of what an enrolled client did, and nothing that the client wrote', async () => {
    const { events, log } = noted();
    await log.record(refusal, { round: 3, client: anna });
    await log.record(refusal, { round: null, client: anna });
    const facts = { type: 'refused', code: 'bad-signature', client: anna };
    expect(events()).toEqual([
      { ...facts, round: 3 },
      { ...facts, round: null },
    ]);
  });

  it('holds at most 20 of one client in a round, however many come at once', async () => {
    const { events, times } = noted();
    await Promise.all([times(500, anna), times(3, ben)]);
    const of = (client: ClientId) => events().filter((event) => event.type === 'refused' && event.client === client);
    expect([of(anna).length, of(ben).length, events().length]).toEqual([20, 3, 23]);
  });

  it('counts strangers only, by code, in one entry when the round ends', async () => {
    const { events, log, times } = noted();
    await times(1000, null);
    await log.record(another, { round: 1, client: null });
    expect(events()).toEqual([]);
    await log.roundEnded(1);
    expect(events()).toEqual([counted(1, null, { 'bad-signature': 1000, 'not-in-cohort': 1 })]);
  });

  it('counts what is beyond the limit, an entry a client in one transaction, and starts afresh', async () => {
    const { appended, log, times } = noted();
    await Promise.all([times(25, anna), times(22, ben), times(7, null)]);
    await log.record(another, { round: 1, client: anna });
    await log.roundEnded(1);
    expect(appended.slice(0, -1)).toHaveLength(40);
    expect(appended.at(-1)).toEqual([
      counted(1, anna, { 'bad-signature': 5, 'not-in-cohort': 1 }),
      counted(1, ben, { 'bad-signature': 2 }),
      counted(1, null, { 'bad-signature': 7 }),
    ]);
    await times(20, anna, 2);
    await log.roundEnded(2);
    expect(appended).toHaveLength(40 + 1 + 20);
  });

  it('writes nothing about a round in which nothing was only counted', async () => {
    const { events, log, times } = noted();
    await times(20, anna);
    await log.roundEnded(1);
    await log.roundEnded(2);
    await log.summarise(null);
    expect(events()).toHaveLength(20);
  });
});

describe('where no round ends', () => {
  it('what was counted is written a minute after the first, once however many come', async () => {
    const { events, clock, times } = noted();
    await times(3, null);
    clock.advance(MINUTE_MS - 1);
    await times(4, null);
    expect(events()).toEqual([]);
    clock.advance(1);
    expect(events()).toEqual([counted(null, null, { 'bad-signature': 7 })]);
    clock.advance(10 * MINUTE_MS);
    expect(events()).toHaveLength(1);
    await times(2, null);
    clock.advance(MINUTE_MS);
    expect(events().slice(1)).toEqual([counted(null, null, { 'bad-signature': 2 })]);
  });

  it('an end of a round that comes first takes the minute’s place', async () => {
    const { events, clock, log, times } = noted();
    await times(3, null);
    await log.roundEnded(1);
    expect(clock.pending).toBe(0);
    clock.advance(MINUTE_MS);
    expect(events()).toEqual([counted(1, null, { 'bad-signature': 3 })]);
  });

  it('a minute does not open a client’s limit again: only the end of a round does', async () => {
    const { events, clock, times } = noted();
    await times(21, anna);
    clock.advance(MINUTE_MS);
    await times(5, anna);
    clock.advance(MINUTE_MS);
    expect(events().slice(20)).toEqual([
      counted(null, anna, { 'bad-signature': 1 }),
      counted(null, anna, { 'bad-signature': 5 }),
    ]);
  });

  it('a summary that cannot be written is reported, not thrown', async () => {
    const faults: unknown[] = [];
    const clock = new FakeClock();
    const broken = { append: () => Promise.reject(new Error('disk full')) };
    const log = new RefusalLog({ ledger: broken, clock, onFault: (fault) => void faults.push(fault) });
    await log.record(refusal, { round: null, client: null });
    clock.advance(MINUTE_MS);
    expect(await eventually(() => Promise.resolve(faults[0]))).toEqual(new Error('disk full'));
  });
});

describe('an equivocation', () => {
  const first: Digest = digest('first');

  it('is recorded with both statements, once a client and round; what follows is counted', async () => {
    const { events, log } = noted();
    await Promise.all([1, 2, 3].map(() => log.recordEquivocation(first, second)));
    expect(events()).toEqual([{ type: 'equivocation', round: 1, client: anna, first, envelope, signature }]);
    await log.roundEnded(1);
    expect(events().slice(1)).toEqual([counted(1, anna, { equivocation: 2 })]);
    const { envelope: later } = await announcedBy(annasKey, bytes, { round: 2 });
    await log.recordEquivocation(first, { envelope: later, signature });
    expect(events().at(-1)).toMatchObject({ type: 'equivocation', round: 2, client: anna });
  });

  it('of one client does not hide that of another', async () => {
    const { events, log } = noted();
    await log.recordEquivocation(first, second);
    const bens = await announcedBy(bensKey, bytes);
    await log.recordEquivocation(first, { envelope: bens.envelope, signature: bens.signature });
    expect(events().map((event) => 'client' in event && event.client)).toEqual([anna, ben]);
  });

  it('is recorded also of a client whose refusals are only counted by then', async () => {
    const { events, log, times } = noted();
    await times(30, anna);
    await log.recordEquivocation(first, second);
    expect(events().at(-1)).toMatchObject({ type: 'equivocation' });
  });
});
