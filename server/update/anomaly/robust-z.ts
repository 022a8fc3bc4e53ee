// How far each figure of a cohort lies from the others: the robust z-score of Iglewicz & Hoaglin 1993, 0.6745 (x -
// median) / MAD. MAD and not the standard deviation, since a sample's own z can never pass (n - 1) / sqrt(n) with the
// latter, whatever an outlier sends. Mostly equal figures have MAD 0: it is taken as at least 1e-6 of the median (and
// 1e-12), so that every z is finite.

import { median, medianAbsoluteDeviation } from '../../../shared/vector/vector.ts';

/** The 0.75 quantile of N(0, 1): what MAD is of a normal's standard deviation. */
const NORMAL_QUARTILE = 0.6745;
const LEAST_RELATIVE_MAD = 1e-6;
const LEAST_MAD = 1e-12;
/** Of two, neither can be told from the other. */
export const LEAST_COHORT = 3;

/** One z for each of the finite figures, in their order; all null where there are fewer than 3. */
export function robustZ(figures: readonly number[]): readonly (number | null)[] {
  if (figures.length < LEAST_COHORT) return figures.map(() => null);
  const centre = median(figures);
  const spread = Math.max(medianAbsoluteDeviation(figures), LEAST_RELATIVE_MAD * Math.abs(centre), LEAST_MAD);
  return figures.map((figure) => (NORMAL_QUARTILE * (figure - centre)) / spread);
}
