// Decisions over distances. `Cohort.squaredDistances` may carry a small relative error; where a comparison is closer than
// that error the decision is taken again over exact distances, so that who is selected is what exact arithmetic selects.

import type { Cohort, Distances } from './cohort.ts';

export interface Decision<T> {
  readonly outcome: T;
  /**
   * The least relative gap |a - b| / max(a, b) of all comparisons between sums of squared distances that the outcome rests
   * on; 0 for a tie, Infinity where nothing was compared.
   */
  readonly margin: number;
}

/** Sums of entries carry the error of one entry, since none is negative; a gap is certain beyond both sides' errors. */
const SIDES = 2;

export async function decide<T>(cohort: Cohort, choose: (distances: Distances) => Decision<T>): Promise<T> {
  const distances = await cohort.squaredDistances();
  const first = choose(distances);
  if (distances.relativeError === 0 || first.margin > SIDES * distances.relativeError * (1 + distances.relativeError))
    return first.outcome;
  return choose(await cohort.exactSquaredDistances()).outcome;
}

/** Of two figures that are not negative; 0 for equal ones. */
export const relativeGap = (a: number, b: number): number => (a === b ? 0 : Math.abs(a - b) / Math.max(a, b));
