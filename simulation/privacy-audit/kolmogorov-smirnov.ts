// Observations and the distribution that they are said to be of in, how far apart the two are out, with the probability
// that chance alone sets them as far apart: the one-sample, two-sided Kolmogorov-Smirnov test.
// The limit distribution of sqrt(n) D (Kolmogorov 1933) at the argument corrected for n by Vrbik (Pioneer Journal of
// Theoretical and Applied Statistics 15, 2018): x + 1/(6 sqrt n) + (x - 1)/(4 n): off by 1.3e-4 at n = 100 and 1e-5 at n = 2000.

import { InvariantError } from '../../shared/invariant-error.ts';

export interface Fit {
  /** D, the largest difference of the two distribution functions. */
  readonly distance: number;
  readonly pValue: number;
}

export function kolmogorovSmirnov(observed: Float64Array, atMost: (value: number) => number): Fit {
  const n = observed.length;
  if (n === 0 || observed.some(Number.isNaN)) throw new InvariantError('expected observations, found none, or NaN');
  const distance = Float64Array.from(observed)
    .sort()
    .reduce((most, value, i) => {
      const share = atMost(value);
      return Math.max(most, share - i / n, (i + 1) / n - share);
    }, 0);
  return { distance, pValue: chanceOfDistance(distance, n) };
}

/** That n observations of the very distribution lie at least this far from it. */
export function chanceOfDistance(distance: number, n: number): number {
  const x = Math.sqrt(n) * distance;
  const corrected = x + 1 / (6 * Math.sqrt(n)) + (x - 1) / (4 * n);
  return Math.min(1, Math.max(0, corrected < 1 ? 1 - lowerLimit(corrected) : upperLimit(corrected)));
}

/** Each of the two series is exact to the last bit after so many terms on its side of 1. */
const TERMS = 8;

/** 2 sum of (-1)^(k-1) e^(-2 k^2 x^2) */
function upperLimit(x: number): number {
  let sum = 0;
  for (let k = TERMS; k >= 1; k--) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * (k * x) ** 2);
  return sum;
}

/** sqrt(2 pi) / x times the sum of e^(-(2k-1)^2 pi^2 / (8 x^2)) */
function lowerLimit(x: number): number {
  if (!(x > 0)) return 0;
  let sum = 0;
  for (let k = TERMS; k >= 1; k--) sum += Math.exp(-(((2 * k - 1) * Math.PI) ** 2) / (8 * x ** 2));
  return (Math.sqrt(2 * Math.PI) / x) * sum;
}
