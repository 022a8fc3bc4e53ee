import { describe, expect, it } from 'vitest';
import type { EnrolledClient } from '../../../../server/admission/enrolment-store.ts';
import { HISTORY_TEST } from '../../../../server/update/anomaly/client-history.ts';
import { judgeHistories, type RoundOutcome } from '../../../../server/update/anomaly/judge-histories.ts';
import type { UpdateRow } from '../../../../server/update/staging/update-store.ts';
import { type RefusalCode, refusalCatalogue, refuse, isRefusalCode } from '../../../../shared/protocol/refusals.ts';
import { envelopeFor, threeMembers, updateFile } from '../../../support/small-federation.ts';
import { fc } from '../../../support/properties.ts';

const [anna, ben] = await threeMembers();
const envelope = await envelopeFor(anna, updateFile([1, 2, 3, 4, 5, 6]));
const { id } = anna.client;

function rowOf(state: UpdateRow['state'], code?: RefusalCode, client = id): UpdateRow {
  const refusal = code === undefined ? null : refuse(code).refusal;
  const facts = { envelope, digest: envelope.updateDigest, signature: '', figures: null, stagedAt: null };
  return { round: 1, client, state, refusal, ...facts };
}

const outcome = (changes: Partial<RoundOutcome> = {}): RoundOutcome => ({
  marks: new Map(),
  leftOut: new Map(),
  clients: [anna.client, ben.client],
  test: HISTORY_TEST,
  ...changes,
});
const marked = (...flags: string[]) => new Map([[id, { flags }]]);
const withHistory = (changes: Partial<EnrolledClient>) => [{ ...anna.client, ...changes }, ben.client];

/** Weights of one round by the defaults: 0.3 / 0.05 on an alarm, 0.7 / 0.95 without. */
const [ALARM, CLEAN] = [6, 0.7 / 0.95];
const suspicionAfter = (rows: readonly UpdateRow[], changes: Partial<RoundOutcome> = {}) =>
  judgeHistories(rows, outcome(changes)).get(id)?.suspicion;

describe('a round in a client’s history', () => {
  it('goes on from the suspicion and the count of judged rounds that it had', () => {
    const history = fc.record({
      suspicion: fc.double({ min: 0, max: 1e6, noNaN: true }),
      judged: fc.nat(100_000),
      flagged: fc.boolean(),
    });
    fc.assert(
      fc.property(history, ({ suspicion, judged, flagged }) => {
        const after = suspicionAfter([rowOf('staged')], {
          marks: flagged ? marked('norm-outlier') : marked(),
          clients: withHistory({ suspicion, judged }),
        });
        const weight = 1 / ((judged + 1) * (judged + 2));
        expect(after).toBeCloseTo((flagged ? ALARM : CLEAN) * (suspicion + weight), 6);
      }),
      { seed: 31 },
    );
  });

  it('is an alarm for any flag, and none for a clean update', () => {
    expect(suspicionAfter([rowOf('staged')], { marks: marked() })).toBeCloseTo(CLEAN / 2, 12);
    for (const flags of [['norm-outlier'], ['near-duplicate', 'sign-outlier']])
      expect(suspicionAfter([rowOf('staged')], { marks: marked(...flags) })).toBeCloseTo(ALARM / 2, 12);
  });

  const forValues = ['not-finite', 'too-large-value', 'too-large-norm', 'noise-missing'] as const;
  it.each(forValues)('is an alarm where the update was refused for its values: %s', (code) => {
    expect(suspicionAfter([rowOf('refused', code)])).toBeCloseTo(ALARM / 2, 12);
  });

  it('is an alarm where the update shared its noise, flags or not', () => {
    const leftOut = new Map([[id, 'shared-noise' as const]]);
    expect(suspicionAfter([rowOf('staged')], { leftOut, marks: marked() })).toBeCloseTo(ALARM / 2, 12);
  });

  it('is not counted where the update was refused for anything else, for its form or its time', () => {
    const others = Object.keys(refusalCatalogue)
      .filter(isRefusalCode)
      .filter((code) => code !== 'shared-noise' && !forValues.some((own) => own === code));
    for (const code of others) expect(judgeHistories([rowOf('refused', code)], outcome()).size).toBe(0);
  });

  it('is not counted where nothing came whole, or where the client was barred', () => {
    expect(judgeHistories([rowOf('announced')], outcome()).size).toBe(0);
    for (const code of ['banned', 'revoked'] as const)
      expect(judgeHistories([rowOf('staged')], outcome({ leftOut: new Map([[id, code]]) })).size).toBe(0);
    expect(judgeHistories([], outcome({ marks: marked('norm-outlier') })).size).toBe(0);
  });

  it('counts by its flags where a rule of the admin left the update out', () => {
    const leftOut = new Map([[id, 'quarantined' as const]]);
    expect(suspicionAfter([rowOf('staged')], { leftOut, marks: marked() })).toBeCloseTo(CLEAN / 2, 12);
    expect(suspicionAfter([rowOf('staged')], { leftOut, marks: marked('norm-outlier') })).toBeCloseTo(ALARM / 2, 12);
  });

  it('counts once for what was staged after a refusal of its bytes', () => {
    for (const code of ['bad-digest', 'not-finite'] as const)
      expect(suspicionAfter([rowOf('staged', code)], { marks: marked() })).toBeCloseTo(CLEAN / 2, 12);
  });

  it('makes suspect whom the bound is reached by, at the bound, and nobody else', () => {
    const suspect = (suspicion: number, test = HISTORY_TEST) => {
      const clients = withHistory({ suspicion, judged: 999_999 });
      const rows = [rowOf('staged'), rowOf('staged', undefined, ben.client.id)];
      const marks = new Map([...marked('norm-outlier'), [ben.client.id, { flags: ['norm-outlier'] }]]);
      return [...judgeHistories(rows, outcome({ marks, clients, test })).values()].map((history) => history.suspect);
    };
    expect(suspect(1000 / ALARM)).toEqual([true, false]);
    expect(suspect(999 / ALARM)).toEqual([false, false]);
    expect(suspect(999 / ALARM, { ...HISTORY_TEST, falseBanRate: 0.01 })).toEqual([true, false]);
  });
});
