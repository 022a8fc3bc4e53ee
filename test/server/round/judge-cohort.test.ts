import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ClientExplanation } from '../../../server/aggregation/explain/explanation.ts';
import { clientBudgets } from '../../../server/privacy/client-budget.ts';
import { type ClosingRound, judgeCohort, type RuleOutcome } from '../../../server/round/judge-cohort.ts';
import { closingEvents, suspectsIn } from '../../../server/round/write-record.ts';
import type { ScreenedCohort } from '../../../server/update/anomaly/screen-cohort.ts';
import type { UpdateRow } from '../../../server/update/staging/update-store.ts';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { asDigest } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { refuse } from '../../../shared/protocol/refusals.ts';
import type { RoundRecord } from '../../../shared/protocol/round-record.ts';
import { envelopeFor, openTerms, roundFor, threeMembers, updateFile } from '../../support/small-federation.ts';

const [anna, ben, cleo] = await threeMembers();
const cohort = [anna, ben, cleo];
const bytes = updateFile([1, 2, 3, 4, 5, 6]);
const envelope = await envelopeFor(anna, bytes);

const row = (changes: Partial<UpdateRow> = {}): UpdateRow => ({
  round: 1,
  client: anna.client.id,
  digest: envelope.updateDigest,
  envelope,
  signature: '',
  state: 'announced',
  refusal: null,
  figures: null,
  stagedAt: null,
  ...changes,
});

const closing = (changes: Partial<ClosingRound> = {}): ClosingRound => ({
  offered: roundFor(cohort),
  seed: asDigest('5e'.repeat(32)),
  rows: [],
  turnedAway: new Map(),
  clients: cohort.map(({ client }) => client),
  budgets: clientBudgets([], openTerms),
  bytesReceived: 0,
  closedAt: new Date(0),
  ...changes,
});

const explained: ClientExplanation = { score: 0.25, rank: 1, distanceToAggregate: 1.5, share: 0.5 };

/** Of as many rows as are explained. */
const aggregated = (
  selected: readonly number[] | null,
  clients: readonly ClientExplanation[],
): RuleOutcome & { readonly kind: 'aggregated' } => ({
  kind: 'aggregated',
  aggregate: {
    kind: 'aggregate',
    values: new Float32Array(6),
    selected,
    scores: null,
    shares: new Float64Array(clients.length),
    m: 1,
    neighbours: 1,
    warnings: [],
  },
  explanation: { clients, certificate: { bound: 1, exact: true }, condition: null, liars: null, warnings: [] },
  reference: null,
});
const outcome = aggregated([0], [explained]);

const figures = {
  normZ: 7.5,
  cosineToMedian: 0.25,
  cosineToMedianZ: -1.5,
  cosineToPrevious: 0.5,
  positiveShare: 0.5,
  signZ: 0.1,
  nearDuplicates: 0,
  pairRatio: 1.01,
  spectralZ: 0.75,
};
const measured = { maxAbsolute: 6, normL2: 9.5, noiseRatio: null, noiseDeficit: null };
const standing = cohort.map(({ client }) => ({ client: client.id, digest: envelope.updateDigest, figures: measured }));
/** The first in the cohort stands; nobody left out, nobody marked. */
const screened = (changes: Partial<ScreenedCohort> = {}): ScreenedCohort => ({
  standing: standing.slice(0, 1),
  leftOut: new Map(),
  marks: new Map(),
  histories: new Map(),
  ...changes,
});
const codesOf = (round: ClosingRound) => judgeCohort(round, screened(), outcome).map(({ code }) => code);

describe('the verdicts of a round', () => {
  it('name what stopped a client’s last update before anything it was turned away for', () => {
    const refused = row({ state: 'refused', refusal: refuse('bad-digest').refusal });
    const turnedAway = new Map([
      [anna.client.id, 'bad-signature' as const],
      [ben.client.id, 'bad-signature' as const],
    ]);
    expect(codesOf(closing({ rows: [refused], turnedAway }))).toEqual([
      'bad-digest',
      'bad-signature',
      'deadline-missed',
    ]);
  });

  it('let a staged update stand, whatever was refused or declined before it', () => {
    const staged = row({ state: 'staged', refusal: refuse('bad-digest').refusal });
    const turnedAway = new Map([[anna.client.id, 'budget-exhausted' as const]]);
    const [verdict] = judgeCohort(closing({ rows: [staged], turnedAway }), screened(), outcome);
    expect(verdict).toMatchObject({ verdict: 'selected', code: null, layer: null, ...explained, epsilon: null });
  });

  it('call an update that was announced and never came whole late', () => {
    expect(codesOf(closing({ rows: [row()] }))).toEqual(['deadline-missed', 'deadline-missed', 'deadline-missed']);
  });

  it('carry the marks of the cohort, which change nothing else', () => {
    const marks = new Map([[anna.client.id, { figures, flags: ['norm-outlier', 'rule:big', 'suspect'] }]]);
    const histories = new Map([[anna.client.id, { suspicion: 1234.5, suspect: false }]]);
    const marked = screened({ marks, histories });
    const [verdict, other] = judgeCohort(closing({ rows: [row({ state: 'staged' })] }), marked, outcome);
    const flags = ['norm-outlier', 'rule:big', 'suspect'];
    expect(verdict).toMatchObject({ verdict: 'selected', flags, ...figures, suspicion: 1234.5 });
    const none = Object.fromEntries(Object.keys(figures).map((name) => [name, null]));
    expect(other).toMatchObject({ flags: [], ...none, suspicion: null });
  });

  it.each([
    { code: 'banned', verdict: 'refused', layer: 'admission' },
    { code: 'revoked', verdict: 'refused', layer: 'admission' },
    { code: 'shared-noise', verdict: 'refused', layer: 'noise-witness' },
    { code: 'quarantined', verdict: 'quarantined', layer: 'anomaly' },
  ] as const)('of an update left out as $code say so, whatever became of the round', ({ code, verdict, layer }) => {
    const left = screened({ standing: [], leftOut: new Map([[anna.client.id, code]]) });
    const nobody = aggregated(null, []);
    for (const come of [nobody, { kind: 'none', code: 'cohort-too-small' } as const]) {
      const [found] = judgeCohort(closing({ rows: [row({ state: 'staged' })] }), left, come);
      expect(found).toMatchObject({ verdict, code, layer });
    }
  });

  it.each([
    { status: 'banned', code: 'banned' },
    { status: 'revoked', code: 'revoked' },
    { status: 'rotated', code: 'revoked' },
  ] as const)('name the bar where nothing came of a client that was $status, unless it was refused', (bar) => {
    const clients = [{ ...anna.client, status: bar.status }, ben.client, cleo.client];
    expect(codesOf(closing({ clients }))[0]).toBe(bar.code);
    expect(codesOf(closing({ clients, rows: [row()] }))[0]).toBe(bar.code);
    const turnedAway = new Map([[anna.client.id, 'wrong-base' as const]]);
    expect(codesOf(closing({ clients, turnedAway }))[0]).toBe('wrong-base');
    const refused = row({ state: 'refused', refusal: refuse('not-finite').refusal });
    expect(codesOf(closing({ clients, rows: [refused] }))[0]).toBe('not-finite');
  });

  it('cannot leave anybody out: a cohort with somebody unknown is a fault', () => {
    const clients = [anna.client, cleo.client];
    expect(() => judgeCohort(closing({ clients }), screened(), outcome)).toThrow(InvariantError);
  });

  it('give no score and name the reason for everybody staged when there is no aggregate', () => {
    const none = { kind: 'none', code: 'gate-failed' } as const;
    const [verdict] = judgeCohort(closing({ rows: [row({ state: 'staged' })] }), screened(), none);
    expect(verdict).toMatchObject({ verdict: 'not-selected', code: 'gate-failed', layer: 'model', ...noFigures });
  });
});

const noFigures = { score: null, rank: null, distanceToAggregate: null, share: null };

describe('the verdicts over what the rule made of the updates', () => {
  const staged = (count: number): ClosingRound =>
    closing({ rows: cohort.slice(0, count).map(({ client }) => row({ client: client.id, state: 'staged' })) });
  const three = [0, 1, 2].map((i): ClientExplanation => ({ ...explained, rank: i + 1, share: i / 4 }));

  it('take each client’s row in the order of ids, and its figures with it', () => {
    const verdicts = judgeCohort(staged(3), screened({ standing }), aggregated([0, 2], three));
    expect(verdicts.map(({ verdict, layer }) => [verdict, layer])).toEqual([
      ['selected', null],
      ['not-selected', 'rule'],
      ['selected', null],
    ]);
    expect(verdicts.map(({ rank, share }) => [rank, share])).toEqual([
      [1, 0],
      [2, 0.25],
      [3, 0.5],
    ]);
  });

  it('skip whoever is left out: the next client has the row', () => {
    const leftOut = new Map([[anna.client.id, 'shared-noise' as const]]);
    const left = screened({ standing: standing.slice(1), leftOut });
    const verdicts = judgeCohort(staged(3), left, aggregated([1], three.slice(0, 2)));
    expect(verdicts.map(({ verdict, rank }) => [verdict, rank])).toEqual([
      ['refused', null],
      ['not-selected', 1],
      ['selected', 2],
    ]);
  });

  it('call everybody selected where the rule left nobody out', () => {
    const verdicts = judgeCohort(staged(3), screened({ standing }), aggregated(null, three));
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['selected', 'selected', 'selected']);
  });

  it('hold no figure that JSON has no number for', () => {
    const strange = { score: Infinity, rank: 1, distanceToAggregate: NaN, share: -Infinity };
    const [verdict] = judgeCohort(staged(1), screened(), aggregated([0], [strange]));
    expect(verdict).toMatchObject({ score: null, rank: 1, distanceToAggregate: null, share: null });
  });

  it('are a fault where a staged update was neither left out nor given to the rule', () => {
    expect(() => judgeCohort(staged(2), screened(), outcome)).toThrow(InvariantError);
  });
});

describe('the events of a close', () => {
  const record: RoundRecord = {
    ...roundFor(cohort),
    seed: asDigest('5e'.repeat(32)),
    state: 'abandoned',
    code: 'gate-failed',
    model: null,
    rule: { name: 'mean', variant: 'unweighted', m: null, neighbours: null, pre: [] },
    aggregation: null,
    central: null,
    optimiser: { name: 'plain', variant: '', stateBefore: null, stateAfter: null },
    updates: [],
    aggregateNormL2: null,
    stepNormL2: null,
    accountant: null,
    bytesReceived: 0,
    closedAt: '2026-03-01T12:01:00.000Z',
    verdicts: judgeCohort(closing(), screened(), outcome),
  };

  it('are one for each verdict and then the end of the round, with its reason, its seed and the record’s digest', async () => {
    const events = await closingEvents(record, []);
    expect(events.map(({ type }) => type)).toEqual(['verdict', 'verdict', 'verdict', 'round-abandoned']);
    const { seed } = record;
    const digest = createHash('sha256').update(canonicalJson(record)).digest('hex');
    expect(events.at(-1)).toEqual({ type: 'round-abandoned', round: 1, code: 'gate-failed', seed, record: digest });
    expect(events.slice(0, 3)).toEqual(record.verdicts.map((verdict) => ({ type: 'verdict', round: 1, ...verdict })));
  });

  it('hold a ban by history for everyone banned with the round', async () => {
    const { id } = anna.client;
    const events = await closingEvents(record, [id]);
    expect(events.filter(({ type }) => type === 'client-banned')).toEqual([
      { type: 'client-banned', client: id, by: 'history' },
    ]);
  });

  it('ban those whom their history speaks against, where they still take part', () => {
    const flagged = { ...record, verdicts: record.verdicts.map((verdict) => ({ ...verdict, flags: ['suspect'] })) };
    const clients = closing().clients.map((client, i) =>
      i === 0 ? { ...client, status: 'revoked' as const } : client,
    );
    expect(suspectsIn(flagged, clients)).toEqual(clients.slice(1).map(({ id }) => id));
    expect(suspectsIn(record, clients)).toEqual([]);
  });

  it('flag a client as suspect that its history speaks against, also where its update never reached the cohort', () => {
    const histories = new Map([[anna.client.id, { suspicion: 2000, suspect: true }]]);
    const verdicts = judgeCohort(closing(), screened({ histories }), outcome);
    expect(verdicts.find(({ client }) => client === anna.client.id)?.flags).toEqual(['suspect']);
  });
});
