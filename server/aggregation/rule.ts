// The interface of every aggregation rule: it states what it assumes, so that a federation which cannot meet the
// assumption is refused before it starts, and says what it took from whom.

import type { Refused } from '../../shared/protocol/refusals.ts';
import type { Cohort } from './cohort.ts';

export interface RuleInput {
  readonly cohort: Cohort;
  /** Liars tolerated, a whole number. */
  readonly f: number;
  /** Seeds what a rule draws; null where nothing is drawn. */
  readonly seed: string | null;
  /** d values: the last released aggregate or a root update, as the rule says; null: none yet. */
  readonly reference: Float32Array | null;
}

export interface Aggregate {
  readonly kind: 'aggregate';
  /** d values. */
  readonly values: Float32Array;
  /** Rows that were taken, ascending; null where every row weighs in and none was left out. */
  readonly selected: readonly number[] | null;
  /** One per row, lower is better; null where the rule scores nobody. */
  readonly scores: Float64Array | null;
  /**
   * One per row: the weight with which it entered a weighted mean, or, of a rule that works by coordinates, the share of
   * the coordinates in which its value was used.
   */
  readonly shares: Float64Array;
  /** How many updates were averaged; null where that is no number of updates. */
  readonly m: number | null;
  /** How many nearest others a score sums over; null where the rule has none. */
  readonly neighbours: number | null;
  /** What whoever reads the record should know about this very aggregate. Plain sentences, no client's name. */
  readonly warnings: readonly string[];
}

export interface AggregationRule {
  readonly name: string;
  /** Which of the field's variants this is, with its options: for the record. */
  readonly variant: string;
  /** What stands in front of it, from the first to the last; undefined for a rule alone. */
  readonly pre?: readonly { readonly name: string; readonly variant: string }[];
  /** The least number of updates with which f liars are tolerated; infinite for an f that the rule never carries. */
  minimumCohort(f: number): number;
  readonly assumes: Assumptions;
  /** Refuses cohort-too-small where fewer than `minimumCohort(f)` rows are given; never falls back to another rule. */
  aggregate(input: RuleInput): Promise<Aggregate | Refused>;
}

export interface Assumptions {
  /**
   * kappa of (f, kappa)-robustness (Allouah et al. 2023, arXiv 2302.01772, definition 2): for every S of n - f updates
   * |aggregate - mean(S)|^2 <= kappa mean over S of |x_i - mean(S)|^2. Null where no theorem is cited for this very variant.
   */
  readonly robustness: { kappa(n: number, f: number): number; readonly source: string } | null;
  /** The largest ratio of the honest updates' standard deviation to the norm of their mean that the rule's proof allows. */
  readonly largestSpread: { ratio(n: number, f: number): number; readonly source: string } | null;
  /** In n updates of d values, such as `n^2 d`. */
  readonly cost: string;
  /**
   * How far the aggregate moves in L2 when one update of norm at most C is replaced by another, over C; null where it is
   * not bounded below the trivial 2.
   */
  sensitivityL2(n: number, f: number): number | null;
  /** True: `seed` is needed. */
  readonly draws: boolean;
  /** What `reference` is. `last-aggregate`: zero where there is none yet; `root-update`: needed. */
  readonly reference: 'none' | 'last-aggregate' | 'root-update';
}
