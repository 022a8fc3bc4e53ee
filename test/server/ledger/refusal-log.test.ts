import { describe, expect, it } from 'vitest';
import type { LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import { RefusalLog } from '../../../server/ledger/refusal-log.ts';
import type { ClientId } from '../../../shared/ids.ts';
import { refuse } from '../../../shared/protocol/refusals.ts';
import { twoClients } from '../../support/small-federation.ts';

const [{ id: anna }, { id: ben }] = await twoClients();
const { refusal } = refuse('bad-signature', { expected: 'a signature', found: 'none', hint: 'sign it' });

function noted() {
  const events: LedgerEvent[] = [];
  const append = (event: LedgerEvent): Promise<void> => {
    events.push(event);
    return Promise.resolve();
  };
  const log = new RefusalLog({ append, entries: () => Promise.resolve([]) });
  const times = async (count: number, client: ClientId | null, round: number | null = 1): Promise<void> => {
    await Promise.all(Array.from({ length: count }, () => log.record(refusal, { round, client })));
  };
  return { events, log, times };
}

describe('the record of refusals', () => {
  it('names round, client, code and figures', async () => {
    const { events, log } = noted();
    await log.record(refusal, { round: 3, client: anna });
    await log.record(refusal, { round: null, client: null });
    const facts = { type: 'refused', code: 'bad-signature', expected: 'a signature', found: 'none' };
    expect(events).toEqual([
      { ...facts, round: 3, client: anna },
      { ...facts, round: null, client: null },
    ]);
  });

  it('holds at most 20 of one client and 100 of nobody in a round, however many come at once', async () => {
    const { events, times } = noted();
    await Promise.all([times(500, anna), times(500, null), times(3, ben)]);
    const of = (client: ClientId | null) =>
      events.filter((event) => event.type === 'refused' && event.client === client);
    expect([of(anna).length, of(null).length, of(ben).length]).toEqual([20, 100, 3]);
  });

  it('counts what is beyond in one entry when the round ends, and starts afresh', async () => {
    const { events, log, times } = noted();
    await times(25, anna);
    await log.roundEnded(1);
    expect(events.at(-1)).toEqual({ type: 'refusals-only-counted', round: 1, beyond: 5 });
    await times(20, anna, 2);
    await log.roundEnded(2);
    expect(events).toHaveLength(20 + 1 + 20);
  });

  it('writes nothing about a round in which nothing was only counted', async () => {
    const { events, log, times } = noted();
    await times(20, anna);
    await log.roundEnded(1);
    await log.roundEnded(2);
    expect(events).toHaveLength(20);
  });
});
