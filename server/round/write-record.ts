// The record of a round and the ledger events that go with it, both made from the same facts so that they cannot differ:
// the event that ends the round holds the record's digest.

import { canonicalJson } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import type { ClientId, Digest } from '../../shared/ids.ts';
import type { Refused } from '../../shared/protocol/refusals.ts';
import { normL2 } from '../../shared/vector/vector.ts';
import type { EnrolledClient } from '../admission/enrolment-store.ts';
import type { AggregationRule } from '../aggregation/rule.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import type { ModelVersion } from '../model/model-store.ts';
import type { ServerOptimiser } from '../optimiser/optimiser.ts';
import type { TakenStep } from '../optimiser/take-step.ts';
import type { ScreenedCohort } from '../update/anomaly/screen-cohort.ts';
import { type AggregatedCohort, aggregationFacts, type ReleasedAggregate } from './aggregation-facts.ts';
import { type ClosingRound, judgeCohort, SUSPECT } from './judge-cohort.ts';
import type { OfferedRound, RoundRecord } from '../../shared/protocol/round-record.ts';

export interface JudgedRound {
  readonly closing: ClosingRound;
  readonly screened: ScreenedCohort;
  readonly rule: Pick<AggregationRule, 'name' | 'variant' | 'pre'>;
  readonly optimiser: Pick<ServerOptimiser, 'name' | 'variant'>;
  /** The blob of what the optimiser remembered when the round began; null: nothing. */
  readonly stateBefore: Digest | null;
}

/** What a committed round came to. */
export interface RoundOutcome extends AggregatedCohort {
  readonly step: TakenStep;
}

export type CommittedOutcome =
  | ({ readonly kind: 'aggregated' } & RoundOutcome)
  | ({ readonly kind: 'released'; readonly step: TakenStep } & ReleasedAggregate);

export function committedRecord(judged: JudgedRound, outcome: CommittedOutcome, version: ModelVersion): RoundRecord {
  const { aggregate, step } = outcome;
  const isReleased = outcome.kind === 'released';
  return {
    ...commonFacts(judged),
    state: 'committed',
    code: null,
    model: version.digest,
    rule: ruleFacts(judged, isReleased ? { m: null, neighbours: null } : outcome.aggregate),
    aggregation: isReleased ? null : aggregationFacts(outcome),
    central: isReleased ? outcome.central : null,
    optimiser: optimiserFacts(judged, version.optimiserState),
    aggregateNormL2: normL2(aggregate.values),
    stepNormL2: normL2(step.values),
    verdicts: judgeCohort(judged.closing, judged.screened, outcome),
  };
}

export function abandonedRecord(judged: JudgedRound, { refusal: { code } }: Refused): RoundRecord {
  return {
    ...commonFacts(judged),
    state: 'abandoned',
    code,
    model: null,
    rule: ruleFacts(judged, { m: null, neighbours: null }),
    aggregation: null,
    central: null,
    optimiser: optimiserFacts(judged, null),
    aggregateNormL2: null,
    stepNormL2: null,
    verdicts: judgeCohort(judged.closing, judged.screened, { kind: 'none', code }),
  };
}

/** One event for each verdict and each client banned for its history, then the transition itself. */
export async function closingEvents(record: RoundRecord, banned: readonly ClientId[]): Promise<readonly LedgerEvent[]> {
  const { number: round, baseModel, model, seed, optimiser } = record;
  const verdicts = record.verdicts.map((verdict) => ({ type: 'verdict', round, ...verdict }) as const);
  const bans = banned.map((client) => ({ type: 'client-banned', client, by: 'history' }) as const);
  const end = { round, seed, record: await sha256(canonicalJson(record)) };
  if (model === null)
    return [...verdicts, ...bans, { type: 'round-abandoned', ...end, code: record.code ?? 'cohort-too-small' }];
  const made = { baseModel, model, optimiserState: optimiser.stateAfter };
  return [...verdicts, ...bans, { type: 'round-committed', ...end, ...made }];
}

/** Those in the record whom their history speaks against and who still take part. */
export function suspectsIn({ verdicts }: RoundRecord, clients: readonly EnrolledClient[]): readonly ClientId[] {
  const active = new Set(clients.filter(({ status }) => status === 'active').map(({ id }) => id));
  return verdicts
    .filter(({ client, flags }) => flags.includes(SUSPECT) && active.has(client))
    .map(({ client }) => client);
}

type CommonFacts = Pick<
  RoundRecord,
  keyof OfferedRound | 'seed' | 'closedAt' | 'updates' | 'accountant' | 'bytesReceived'
>;

function commonFacts({ closing, screened }: JudgedRound): CommonFacts {
  const { offered, seed, bytesReceived, closedAt } = closing;
  return {
    ...offered,
    seed,
    updates: screened.standing.map(({ client, digest: update }) => ({ client, update })),
    accountant: closing.budgets.accountant,
    bytesReceived,
    closedAt: closedAt.toISOString(),
  };
}

function ruleFacts(
  { rule }: JudgedRound,
  { m, neighbours }: Pick<RoundRecord['rule'], 'm' | 'neighbours'>,
): RoundRecord['rule'] {
  const { name, variant, pre = [] } = rule;
  return { name, variant, m, neighbours, pre: pre.map(variantOf) };
}

const variantOf = ({ name, variant }: RoundRecord['rule']['pre'][number]): RoundRecord['rule']['pre'][number] => ({
  name,
  variant,
});

function optimiserFacts({ optimiser, stateBefore }: JudgedRound, stateAfter: Digest | null): RoundRecord['optimiser'] {
  return { ...variantOf(optimiser), stateBefore, stateAfter };
}
