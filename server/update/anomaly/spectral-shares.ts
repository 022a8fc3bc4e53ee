// Who makes up the direction in which a cohort spreads most: the score of divide-and-conquer (Shejwalkar & Houmansadr,
// NDSS 2021, algorithm 2). The coordinates are centred; an update's score is its squared projection on the top right
// singular vector (shared/vector/top-eigenvector.ts), here as its share of the whole, u_i^2, which does not depend on the
// updates' scale.

import { at, pairwiseDots } from '../../../shared/vector/pairwise-dots.ts';
import { centred, topEigenvector } from '../../../shared/vector/top-eigenvector.ts';

/** Directions down to 0.97 of the top one's variance die out to 1e-4; below that the top direction means little. */
const CONVERGENCE = { iterations: 300, tolerance: 0 };

/** One share per vector, 0 to 1, summing to 1; all 0 where the vectors are equal. Starts from the largest vector. */
export function spectralShares(vectors: readonly Float32Array[]): readonly number[] {
  const gram = pairwiseDots(centred(vectors));
  const squaredNorms = gram.map((_, i) => at(gram, i, i));
  const start = gram[squaredNorms.indexOf(Math.max(...squaredNorms))] ?? new Float64Array();
  return Array.from(topEigenvector(gram, start, CONVERGENCE), (entry) => entry * entry);
}
