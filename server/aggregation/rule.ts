// The interface of every aggregation rule: it states what it assumes, so that a federation which cannot meet the
// assumption is refused before it starts, and says which updates it took and with which scores.

import type { ClientId } from '../../shared/ids.ts';
import type { Refused } from '../../shared/protocol/refusals.ts';

export interface CohortUpdate {
  readonly client: ClientId;
  /** d values in canonical order, all finite. */
  readonly values: Float32Array;
}

export interface Aggregate {
  readonly kind: 'aggregate';
  /** d values. */
  readonly values: Float32Array;
  /** By client id. */
  readonly selected: readonly ClientId[];
  /** One per update, lower is better; empty where the rule scores nobody. */
  readonly scores: ReadonlyMap<ClientId, number>;
  /** How many updates were averaged. */
  readonly m: number;
  /** How many nearest others a score sums over; null where the rule scores nobody. */
  readonly neighbours: number | null;
}

export interface AggregationRule {
  readonly name: string;
  /** Which of the field's variants this is, for the record. */
  readonly variant: string;
  /** The least number of updates with which f liars are tolerated. */
  minimumCohort(f: number): number;
  /**
   * Pure, and the same to the last bit for any order of `updates`: they are put in the order of client ids first.
   * Refuses cohort-too-small where fewer than `minimumCohort(f)` are given; never falls back to another rule.
   */
  aggregate(updates: readonly CohortUpdate[], f: number): Aggregate | Refused;
}
