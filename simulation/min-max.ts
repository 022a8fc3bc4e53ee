// The min-max attack (Shejwalkar and Houmansadr 2021, NDSS, section IV.B): all honest updates in, the one vector out that
// the liars send, mean - gamma x p with p the unit vector along the mean and the largest gamma at which no honest update
// lies farther from it than the two honest ones farthest apart lie from each other. Keeps the limit as squared distances
// of the float32 vector that is sent, not of the one before rounding.

import { squaredDistance } from '../shared/vector/vector.ts';

/** Of gamma, relative to the largest honest distance: finer than what float32 tells apart. */
const GAMMA_TOLERANCE = 2 ** -40;

/** Where the mean is 0 there is no direction, and the mean itself is returned. `honest`: 2 or more. */
export function minMaxUpdate(honest: readonly Float32Array[]): Float32Array {
  const mean = Float64Array.from(honest[0] ?? [], (_, i) => {
    return honest.reduce((sum, update) => sum + (update[i] ?? NaN), 0) / honest.length;
  });
  const norm = Math.sqrt(mean.reduce((sum, value) => sum + value ** 2, 0));
  const at = (gamma: number): Float32Array =>
    Float32Array.from(mean, (value) => (norm > 0 ? value - (gamma * value) / norm : value));
  return at(largestGamma(at, honest));
}

/**
 * By bisection: the limit holds from 0 up to one gamma, as a ball's share of a line is one segment. The mean lies within
 * the diameter of every honest update, so that no gamma beyond twice the diameter keeps it. What holds is returned.
 */
function largestGamma(at: (gamma: number) => Float32Array, honest: readonly Float32Array[]): number {
  const limit = Math.max(...honest.flatMap((a, i) => honest.slice(i + 1).map((b) => squaredDistance(a, b))));
  const diameter = Math.sqrt(limit);
  const holds = (gamma: number): boolean => {
    const sent = at(gamma);
    return honest.every((update) => squaredDistance(sent, update) <= limit);
  };
  let [low, high] = [0, 2 * diameter];
  while (high - low > GAMMA_TOLERANCE * diameter) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
