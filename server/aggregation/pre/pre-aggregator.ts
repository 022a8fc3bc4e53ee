// The interface of what may stand in front of any rule. Every pre-aggregator is a linear map whose coefficients follow
// from norms, distances or a seed: the rows themselves are never copied (cohort.ts, `mixed`).

import type { Refused } from '../../../shared/protocol/refusals.ts';
import type { Cohort, Mixture } from '../cohort.ts';

export interface PreInput {
  readonly cohort: Cohort;
  readonly f: number;
  /** Null where nothing is drawn. */
  readonly seed: string | null;
}

export interface Prepared {
  readonly kind: 'prepared';
  readonly mixture: Mixture;
  /** By row given: the row of the image whose score and selection are its own. */
  readonly home: readonly number[];
}

export interface PreAggregator {
  readonly name: string;
  /** With its options: for the record. */
  readonly variant: string;
  readonly draws: boolean;
  /** Rows that come out of n. */
  rowsAfter(n: number): number;
  /** The least number of rows with which f liars are tolerated, whatever comes after. */
  minimumCohort(f: number): number;
  /** Refuses cohort-too-small. */
  prepare(input: PreInput): Promise<Prepared | Refused>;
}
