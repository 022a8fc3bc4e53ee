import { describe, expect, it } from 'vitest';
import type { Aggregate } from '../../../server/aggregation/rule.ts';
import { clientBudgets } from '../../../server/privacy/client-budget.ts';
import { type ClosingRound, judgeCohort } from '../../../server/round/judge-cohort.ts';
import { closingEvents } from '../../../server/round/write-record.ts';
import type { UpdateRow } from '../../../server/update/staging/update-store.ts';
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
  rows: [],
  turnedAway: new Map(),
  clients: cohort.map(({ client }) => client),
  budgets: clientBudgets([], openTerms),
  bytesReceived: 0,
  closedAt: new Date(0),
  ...changes,
});

const aggregate: Aggregate = {
  kind: 'aggregate',
  values: new Float32Array(6),
  selected: [anna.client.id],
  scores: new Map([[anna.client.id, 0.25]]),
  m: 1,
  neighbours: 1,
};

const codesOf = (round: ClosingRound) => judgeCohort(round, new Map(), aggregate).map(({ code }) => code);

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
    const [verdict] = judgeCohort(closing({ rows: [staged], turnedAway }), new Map(), aggregate);
    expect(verdict).toMatchObject({ verdict: 'selected', code: null, layer: null, score: 0.25, epsilon: null });
  });

  it('call an update that was announced and never came whole late', () => {
    expect(codesOf(closing({ rows: [row()] }))).toEqual(['deadline-missed', 'deadline-missed', 'deadline-missed']);
  });

  it('carry the marks of the cohort, which change nothing else', () => {
    const marks = new Map([[anna.client.id, { normZ: 7.5, flags: ['norm-outlier'] as const }]]);
    const [verdict] = judgeCohort(closing({ rows: [row({ state: 'staged' })] }), marks, aggregate);
    expect(verdict).toMatchObject({ verdict: 'selected', flags: ['norm-outlier'], normZ: 7.5 });
  });

  it('cannot leave anybody out: a cohort with somebody unknown is a fault', () => {
    const clients = [anna.client, cleo.client];
    expect(() => judgeCohort(closing({ clients }), new Map(), aggregate)).toThrow(InvariantError);
  });

  it('give no score and name the reason for everybody staged when there is no aggregate', () => {
    const none = { kind: 'none', code: 'gate-failed' } as const;
    const [verdict] = judgeCohort(closing({ rows: [row({ state: 'staged' })] }), new Map(), none);
    expect(verdict).toMatchObject({ verdict: 'not-selected', code: 'gate-failed', layer: 'model', score: null });
  });
});

describe('the events of a close', () => {
  const record: RoundRecord = {
    ...roundFor(cohort),
    state: 'abandoned',
    code: 'gate-failed',
    model: null,
    rule: { name: 'mean', variant: 'unweighted', m: null, neighbours: null },
    updates: [],
    stepNormL2: null,
    accountant: null,
    bytesReceived: 0,
    closedAt: '2026-03-01T12:01:00.000Z',
    verdicts: judgeCohort(closing(), new Map(), aggregate),
  };

  it('are one for each verdict and then the end of the round, with its reason', () => {
    const events = closingEvents(record);
    expect(events.map(({ type }) => type)).toEqual(['verdict', 'verdict', 'verdict', 'round-abandoned']);
    expect(events.at(-1)).toEqual({ type: 'round-abandoned', round: 1, code: 'gate-failed' });
    expect(events.slice(0, 3)).toEqual(record.verdicts.map((verdict) => ({ type: 'verdict', round: 1, ...verdict })));
  });
});
