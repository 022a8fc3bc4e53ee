import { describe, expect, it } from 'vitest';
import type { LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import { turnedAwayFrom } from '../../../server/round/turned-away.ts';
import { asClientId, asDigest, type ClientId } from '../../../shared/ids.ts';
import type { RefusalCode } from '../../../shared/protocol/refusals.ts';

const [anna, ben, cleo] = [1, 2, 3].map((index) => asClientId(String(index).repeat(64)));
if (!anna || !ben || !cleo) throw new Error('three');
const baseModel = asDigest('ba'.repeat(32));
const offered = {
  number: 4,
  baseModel,
  eligible: [anna, ben, cleo],
  cohort: [anna, ben],
  seedCommitment: asDigest('c0'.repeat(32)),
  f: 0,
  offeredAt: '2026-03-01T12:00:00.000Z',
};

const declined = (client: ClientId, round = 4): LedgerEvent => {
  return { type: 'declined', round, client, code: 'budget-exhausted' };
};
const refused = (client: ClientId, code: RefusalCode, round: number | null = 4): LedgerEvent => {
  return { type: 'refused', round, client, code };
};
const known = (events: readonly LedgerEvent[], ...withRow: ClientId[]) =>
  Object.fromEntries(turnedAwayFrom(events, offered, new Set(withRow)));

describe('the clients of a round under way that will send nothing', () => {
  it('are those of its cohort that declined or whose statement did not hold, with the last code', () => {
    expect(known([declined(anna), refused(ben, 'wrong-base'), refused(ben, 'unknown-checkpoint')])).toEqual({
      [anna]: 'budget-exhausted',
      [ben]: 'unknown-checkpoint',
    });
    expect(known([refused(anna, 'too-large')])).toEqual({ [anna]: 'too-large' });
  });

  it('are not those of another round, of no round, of strangers, outside the cohort, or with an update on record', () => {
    const strangers: LedgerEvent = { type: 'refusals-counted', round: 4, client: null, counts: { 'bad-signature': 3 } };
    const others = [declined(anna, 3), refused(ben, 'wrong-base', null), strangers];
    expect(known([...others, declined(cleo), refused(cleo, 'wrong-base')])).toEqual({});
    expect(known([declined(anna), refused(ben, 'bad-digest')], anna, ben)).toEqual({});
  });

  it.each(['equivocation', 'round-closed', 'malformed-message', 'wrong-federation'] as const)(
    'are not those that were refused something else meanwhile: %s',
    (code) => {
      expect(known([refused(anna, code)])).toEqual({});
    },
  );
});
