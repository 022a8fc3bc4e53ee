// The inverse of the normal distribution function, by bisection on its series: slow, exact to rounding near the middle.

import { InvariantError } from '../shared/invariant-error.ts';

/** Beyond it the distribution function is 0 or 1 in float64. */
const FARTHEST = 8.5;
const HALVINGS = 60;

/** The x with P(N(0, 1) < x) = share; absolute error below 1e-12 for shares from 0.001 to 0.999. */
export function normalQuantile(share: number): number {
  if (!(share > 0 && share < 1)) throw new InvariantError(`expected a share between 0 and 1, found ${share}`);
  let [low, high] = [-FARTHEST, FARTHEST];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (normalShareBelow(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** 1/2 + density(x) (x + x^3 / 3 + x^5 / (3 5) + ...) (Marsaglia 2004, J. Stat. Soft. 11(4)). */
function normalShareBelow(x: number): number {
  let [sum, term, odd] = [0, x, 1];
  while (sum + term !== sum) {
    sum += term;
    odd += 2;
    term *= x ** 2 / odd;
  }
  return 0.5 + (sum * Math.exp(-(x ** 2) / 2)) / Math.sqrt(2 * Math.PI);
}
