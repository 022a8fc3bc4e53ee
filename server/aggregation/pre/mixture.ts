// Mixtures that more than one pre-aggregator makes, and the way back from the rows of an image to those it came from.

import type { Mixture } from '../cohort.ts';

/** Row i is row i times `factors[i]`. */
export function scaledRows(factors: Float64Array): Mixture {
  const n = factors.length;
  const coefficients = Array.from(factors, (factor, row) => {
    const coefficient = new Float64Array(n);
    coefficient[row] = factor;
    return coefficient;
  });
  return { coefficients, divisors: new Float64Array(n).fill(1) };
}

/** Row r is the mean of the rows of the n that `groups[r]` lists. */
export function meansOver(groups: readonly (readonly number[])[], n: number): Mixture {
  const coefficients = groups.map((group) => {
    const coefficient = new Float64Array(n);
    for (const row of group) coefficient[row] = 1;
    return coefficient;
  });
  return { coefficients, divisors: Float64Array.from(groups, (group) => group.length) };
}

/** A weighted sum of the image as one of the rows it was made of: `weights` by row of the image, the result by theirs. */
export function weightsBefore({ coefficients, divisors }: Mixture, weights: Float64Array): Float64Array {
  const before = new Float64Array(coefficients[0]?.length ?? 0);
  coefficients.forEach((coefficient, r) => {
    const weight = (weights[r] ?? NaN) / (divisors[r] ?? NaN);
    coefficient.forEach((value, j) => (before[j] = (before[j] ?? NaN) + weight * value));
  });
  return before;
}
