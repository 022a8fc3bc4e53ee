import { describe, expect, it } from 'vitest';
import type { ClientStatus, EnrolledClient } from '../../../../server/admission/enrolment-store.ts';
import { type AdminRule, type AdminRules, parseAdminRules } from '../../../../server/update/anomaly/admin-rules.ts';
import { anomalyBounds } from '../../../../server/update/anomaly/anomaly-bounds.ts';
import { HISTORY_TEST } from '../../../../server/update/anomaly/client-history.ts';
import { measuredNormL2 } from '../../../../server/update/update-figures.ts';
import { markCohort } from '../../../../server/update/anomaly/cohort-anomaly.ts';
import { screenCohort, type Screening } from '../../../../server/update/anomaly/screen-cohort.ts';
import type { StagedCohort, TakenUpdate } from '../../../../server/update/staging/take-staged.ts';
import type { UpdateRow } from '../../../../server/update/staging/update-store.ts';
import { asDigest } from '../../../../shared/ids.ts';
import { accepted } from '../../../../shared/protocol/refusals.ts';
import { seededRandomSource } from '../../../../shared/random-source.ts';
import { normL2 } from '../../../../shared/vector/vector.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { envelopeFor, member, updateFile } from '../../../support/small-federation.ts';
import { cohortOf, honestVectors, scaled } from './cohorts.ts';
import * as intact from './intact-updates.ts';

const anna = await member(1);
const envelope = await envelopeFor(anna, updateFile([1, 2, 3, 4, 5, 6]));
const seed = asDigest('5e'.repeat(32));
const { training, privacy, parameters, checks, pairs, rounds } = intact;
const bounds = anomalyBounds({ training, privacy, parameters, checks, pairs, rounds });
const rulesOf = async (...rules: AdminRule[]): Promise<AdminRules> => accepted(await parseAdminRules(rules));
const noRules = await rulesOf();
const rule = (when: string, action: AdminRule['action'] = 'quarantine', name = 'own'): AdminRule => ({
  name,
  when,
  action,
});

const figuresOf = (values: Float32Array) => ({
  maxAbsolute: 1,
  normL2: normL2(values),
  noiseRatio: 1,
  noiseDeficit: 0,
});
/** One staged update for each vector, of clients in the order of ids. */
const takenOf = (vectors: readonly Float32Array[]): TakenUpdate[] =>
  cohortOf(vectors).members.map(({ client, digest }, i) => ({
    client,
    digest,
    figures: figuresOf(vectors[i] ?? new Float32Array()),
  }));

/** As at a close: everybody enrolled, every update staged; `status` of the client at each place. */
async function screened(
  sent: readonly Float32Array[],
  changes: Partial<Screening> & { readonly status?: Readonly<Record<number, ClientStatus>> } = {},
) {
  const { status = {}, ...rest } = changes;
  const staged = takenOf(sent);
  const rows = staged.map(({ client, digest, figures }): UpdateRow => ({
    round: 1,
    client,
    digest,
    envelope,
    signature: '',
    state: 'staged',
    refusal: null,
    figures,
    stagedAt: new Date(0),
  }));
  const clients = staged.map(({ client }, i): EnrolledClient => {
    return { ...anna.client, id: client, status: status[i] ?? 'active' };
  });
  const common = { rows, clients, seed, previousStep: null, adminRules: noRules, historyTest: HISTORY_TEST };
  const places = new Map(staged.map(({ client }, i) => [client, i]));
  const rowOf = ({ client }: Pick<TakenUpdate, 'client'>) => sent[places.get(client) ?? -1] ?? new Float32Array();
  const cohortOfMembers: StagedCohort['cohortOf'] = (members) => Promise.resolve(plainCohort(members.map(rowOf)));
  const screening = { ...common, bounds: { ...bounds, noise: null }, ...rest };
  const cohort = await screenCohort({ taken: staged, cohortOf: cohortOfMembers }, screening);
  const at = (index: number) => staged[index]?.client ?? anna.client.id;
  return {
    standing: cohort.standing.map(({ client }) => places.get(client)),
    leftOut: [...cohort.leftOut].map(([client, code]) => [places.get(client), code]),
    figuresAt: (index: number) => cohort.marks.get(at(index))?.figures,
    flagsAt: (index: number) => cohort.marks.get(at(index))?.flags,
    isSuspect: (index: number) => cohort.histories.get(at(index))?.suspect,
    suspicionAt: (index: number) => cohort.histories.get(at(index))?.suspicion,
    clients,
  };
}

const eight = honestVectors(seededRandomSource(43), 8);
const honest = eight.slice(0, 7);
const big = scaled(eight[7] ?? new Float32Array(), 30);
/** Honest figures of these vectors alone, by place. */
const alone = async (vectors: readonly Float32Array[]) =>
  [...(await markCohort(cohortOf(vectors))).values()].map(({ figures }) => figures);

describe('the updates of a cohort', () => {
  it('all stand where nothing speaks against them, with the figures of the cohort', async () => {
    const all = await screened(honest);
    expect(all.standing).toEqual(honest.map((_, i) => i));
    expect(all.leftOut).toEqual([]);
    expect(honest.map((_, i) => all.figuresAt(i))).toEqual(await alone(honest));
  });

  it('carry flags that leave nobody out', async () => {
    const all = await screened([...honest, big]);
    expect(all.flagsAt(7)).toContain('norm-outlier');
    expect(all.standing).toHaveLength(8);
  });

  it.each(['banned', 'revoked'] as const)(
    'of clients that were %s are left out and move nobody’s figures',
    async (to) => {
      const all = await screened([...honest, big], { status: { 7: to } });
      expect(all.leftOut).toEqual([[7, to]]);
      expect(all.standing).toEqual(honest.map((_, i) => i));
      expect(honest.map((_, i) => all.figuresAt(i))).toEqual(await alone(honest));
      expect([all.figuresAt(7), all.suspicionAt(7)]).toEqual([undefined, undefined]);
    },
  );

  it('of a client whose key another has replaced stand: they were sent while it was good', async () => {
    expect((await screened(honest, { status: { 2: 'rotated' } })).standing).toHaveLength(7);
  });
});

describe('updates that share noise', () => {
  const random = seededRandomSource(42, 'shared');
  const noisy = Array.from({ length: 6 }, () => intact.noiseOf(random, intact.noiseStdDev));
  const copy = (noisy[1] ?? new Float32Array()).map((value) => value + 0.01);
  const withCopy = [...noisy, copy];

  it('are refused both, the rest stands on figures computed without them', async () => {
    const all = await screened(withCopy, { bounds });
    expect(all.leftOut).toEqual([
      [1, 'shared-noise'],
      [6, 'shared-noise'],
    ]);
    expect(all.standing).toEqual([0, 2, 3, 4, 5]);
    const rest = [0, 2, 3, 4, 5].flatMap((i) => takenOf(withCopy)[i] ?? []);
    const members = rest.map((update) => ({ ...update, normL2: measuredNormL2(update.figures) }));
    const rows = plainCohort([0, 2, 3, 4, 5].flatMap((i) => withCopy[i] ?? []));
    const marks = await markCohort({
      members,
      rows,
      previousStep: null,
      noiseStdDev: bounds.noise?.stdDev ?? null,
      seed,
    });
    const expected = rest.map(({ client }) => marks.get(client)?.figures);
    expect([0, 2, 3, 4, 5].map((i) => all.figuresAt(i))).toEqual(expected);
    expect(all.figuresAt(1)?.pairRatio).toBeLessThan(0.01);
  });

  it('count as an alarm in the history of both, and of nobody else', async () => {
    const all = await screened(withCopy, { bounds });
    expect([1, 6].map((i) => all.suspicionAt(i))).toEqual([expect.closeTo(3, 12), expect.closeTo(3, 12)]);
    for (const i of [0, 2, 3]) expect(all.suspicionAt(i)).toBeCloseTo(0.7 / 0.95 / 2, 12);
  });

  it('are not looked for where no noise is declared, nor with those who were barred', async () => {
    expect((await screened(withCopy)).standing).toHaveLength(7);
    const all = await screened(withCopy, { bounds, status: { 6: 'banned' } });
    expect(all.leftOut).toEqual([[6, 'banned']]);
  });

  it('are not judged by the admin’s rules as well, which count the others alone', async () => {
    const adminRules = await rulesOf(rule('n > 5', 'flag', 'many'), rule('n == 5', 'flag', 'five'));
    const all = await screened(withCopy, { bounds, adminRules });
    expect(all.flagsAt(0)).toContain('rule:five');
    expect(all.flagsAt(0)).not.toContain('rule:many');
    expect(all.flagsAt(6)).not.toContain('rule:five');
  });
});

describe('an admin’s rule', () => {
  it('that quarantines leaves the update out, with its name among the flags', async () => {
    const all = await screened([...honest, big], {
      adminRules: await rulesOf(rule('normZ > 6', 'quarantine', 'too-far')),
    });
    expect(all.leftOut).toEqual([[7, 'quarantined']]);
    expect(all.standing).toEqual(honest.map((_, i) => i));
    expect(all.flagsAt(7)).toEqual(['norm-outlier', 'spectral-outlier', 'rule:too-far']);
    expect(all.flagsAt(0)).toEqual([]);
  });

  it('that flags leaves nobody out', async () => {
    const all = await screened([...honest, big], { adminRules: await rulesOf(rule('normZ > 6', 'flag', 'look')) });
    expect(all.leftOut).toEqual([]);
    expect(all.flagsAt(7)).toContain('rule:look');
  });

  it('that fails only flags, whatever it was to do', async () => {
    const failing = rule('(normZ - normZ) / (n - n) > 1', 'quarantine', 'broken');
    const all = await screened(honest, { adminRules: await rulesOf(failing) });
    expect(all.leftOut).toEqual([]);
    for (let i = 0; i < 7; i++) expect(all.flagsAt(i)).toEqual(['rule:broken']);
  });

  it('whose failure came with a quarantine all the same leaves nobody out', async () => {
    const judge = () => [{ name: 'broken', action: 'quarantine', failed: 'NaN' }] as const;
    const all = await screened(honest, { adminRules: { kind: 'admin-rules', judge } });
    expect([all.leftOut, all.flagsAt(0)]).toEqual([[], ['rule:broken']]);
  });

  it('sees the figures of the update itself, of the cohort, and the suspicion before the round', async () => {
    const conditions = ['maxAbsolute == 1', 'normL2 > 0', 'noiseRatio == 1', 'positiveShare > 0', 'n == 7'];
    const seen = conditions.map((when, i) => rule(when, 'flag', `seen-${i}`));
    const { clients } = await screened(honest);
    const suspects = clients.map((client, i) => ({ ...client, suspicion: i === 3 ? 500 : 0, judged: 1 }));
    const adminRules = await rulesOf(...seen, rule('suspicion == 500', 'flag', 'watched'));
    const all = await screened(honest, { adminRules, clients: suspects });
    const names = conditions.map((_, i) => `rule:seen-${i}`);
    expect([all.flagsAt(2), all.flagsAt(3)]).toEqual([names, [...names, 'rule:watched']]);
  });

  it('is no alarm in a client’s history: its rate of false alarms is not known', async () => {
    for (const action of ['flag', 'quarantine'] as const) {
      const all = await screened(honest, { adminRules: await rulesOf(rule('n > 0', action)) });
      for (let i = 0; i < 7; i++) expect(all.suspicionAt(i)).toBeCloseTo(0.7 / 0.95 / 2, 12);
    }
  });
});

describe('a client’s history', () => {
  it('marks it as suspect once the bound is reached, which leaves its update in', async () => {
    const { clients } = await screened([...honest, big]);
    const before = clients.map((client) => ({ ...client, suspicion: 200, judged: 10 }));
    const all = await screened([...honest, big], { clients: before });
    expect(all.flagsAt(7)).toEqual(['norm-outlier', 'spectral-outlier']);
    expect([all.isSuspect(7), all.isSuspect(0)]).toEqual([true, false]);
    expect(all.flagsAt(0)).toEqual([]);
    expect(all.standing).toHaveLength(8);
    expect(all.suspicionAt(7)).toBeCloseTo(6 * (200 + 1 / 132), 9);
    expect(all.suspicionAt(0)).toBeCloseTo((0.7 / 0.95) * (200 + 1 / 132), 9);
  });
});
