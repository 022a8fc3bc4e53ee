// What the record of a round says about its aggregation. JSON has no number beyond the finite ones: a figure that is none
// of them, such as the ratio to a spread of 0, is recorded as null.

import type { Digest } from '../../shared/ids.ts';
import type { AggregationFacts, CentralRelease, Verdict } from '../../shared/protocol/round-record.ts';
import type { Explanation } from '../aggregation/explain/explanation.ts';
import type { Aggregate } from '../aggregation/rule.ts';
import type { ClientBudgets } from '../privacy/client-budget.ts';

/** By row: the updates that reached the rule, in the order of client ids. */
export interface AggregatedCohort {
  readonly aggregate: Aggregate;
  readonly explanation: Explanation;
  /** The parent of the base model, where the rule began from the step between the two. */
  readonly reference: Digest | null;
}

/** Of a round under central privacy: there is nothing to say of single updates, nor of how they lie. */
export interface ReleasedAggregate {
  /** Noise included. */
  readonly aggregate: Pick<Aggregate, 'values'>;
  readonly central: CentralRelease;
  /** After the charge. */
  readonly budgets: ClientBudgets;
}

export function aggregationFacts({ explanation, reference }: AggregatedCohort): AggregationFacts {
  const { certificate, condition, liars, warnings } = explanation;
  return {
    certificate: { bound: figure(certificate.bound), exact: certificate.exact },
    condition: condition && {
      observed: figure(condition.observed),
      limit: figure(condition.limit),
      satisfied: condition.satisfied,
      source: condition.source,
    },
    liars: liars && { suspected: liars.suspected, gap: figure(liars.gap) },
    warnings: [...warnings],
    reference,
  };
}

export type RowFacts = Pick<Verdict, 'score' | 'rank' | 'distanceToAggregate' | 'share'>;

/** `row` undefined: an update that never reached the rule. */
export function rowFacts({ clients }: Explanation, row: number | undefined): RowFacts {
  const explained = row === undefined ? undefined : clients[row];
  if (!explained) return noRowFacts;
  const { score, rank, distanceToAggregate, share } = explained;
  return {
    score: figure(score),
    rank: figure(rank),
    distanceToAggregate: figure(distanceToAggregate),
    share: figure(share),
  };
}

export const noRowFacts: RowFacts = { score: null, rank: null, distanceToAggregate: null, share: null };

/** `selected` null: every row was taken. */
export const isSelected = ({ selected }: Pick<Aggregate, 'selected'>, row: number): boolean =>
  selected?.includes(row) ?? true;

const figure = (value: number | null): number | null => (value !== null && Number.isFinite(value) ? value : null);
