// Krum's score (Blanchard et al. 2017, arXiv 1703.02757, section 4): the sum of an update's squared L2 distances to its
// n - f - 2 nearest others, n the updates given. Canonical: squared, self not counted (peers differ in both, and pick
// other clients). Summed from the nearest on, so that the score does not depend on the order of the others.
// Cost: the distances, then n sorts of n figures. Values must be finite (cohort.ts) and n >= f + 3.

import { InvariantError } from '../../shared/invariant-error.ts';
import { squaredDistances } from './squared-distances.ts';

export const KRUM_VARIANT = 'canonical: squared L2, n-f-2 nearest others, ties by client id';

/** Blanchard's bound: n >= 2f + 3. */
export const krumMinimumCohort = (f: number): number => 2 * f + 3;

export const krumNeighbours = (n: number, f: number): number => n - f - 2;

/** One score per vector, lower is better. @throws InvariantError when no neighbour is left to sum over. */
export function krumScores(vectors: readonly Float32Array[], f: number): readonly number[] {
  const neighbours = krumNeighbours(vectors.length, f);
  if (!Number.isInteger(f) || f < 0 || neighbours < 1)
    throw new InvariantError(`expected a whole f of 0 .. n - 3, found f = ${f} with n = ${vectors.length}`);
  return squaredDistances(vectors).map((row, self) => {
    const others = row.filter((_, other) => other !== self).sort();
    return others.subarray(0, neighbours).reduce((sum, distance) => sum + distance, 0);
  });
}
