// Who makes up the direction in which a cohort spreads most: the score of divide-and-conquer (Shejwalkar & Houmansadr,
// NDSS 2021, algorithm 2). Sampled coordinates are centred; an update's score is its squared projection on the top right
// singular vector. With u the top eigenvector of the n x n Gram matrix that projection is sqrt(lambda) u_i, so that d
// never enters the iteration; u_i^2, the share of the whole, does not depend on the updates' scale.

import { at, pairwiseDots, type PairwiseDots } from './pairwise-dots.ts';

/** Directions down to 0.97 of the top one's variance die out to 1e-4; below that the top direction means little. */
const ITERATIONS = 300;

/** One share per vector, 0 to 1, summing to 1; all 0 where the vectors are equal. */
export function spectralShares(vectors: readonly Float32Array[], coordinates: Uint32Array): readonly number[] {
  return Array.from(topEigenvector(pairwiseDots(centred(vectors, coordinates))), (entry) => entry * entry);
}

/** The mean of equal values is exact in float64, so that equal vectors leave exactly 0. */
function centred(vectors: readonly Float32Array[], coordinates: Uint32Array): readonly Float32Array[] {
  const rows = vectors.map(() => new Float32Array(coordinates.length));
  coordinates.forEach((coordinate, k) => {
    let sum = 0;
    for (const vector of vectors) sum += vector[coordinate] ?? NaN;
    const mean = sum / vectors.length;
    rows.forEach((row, i) => (row[k] = (vectors[i]?.[coordinate] ?? NaN) - mean));
  });
  return rows;
}

/** Power iteration from the row of the largest vector, a fixed number of times; zero for a zero matrix. */
function topEigenvector(gram: PairwiseDots): Float64Array {
  const squaredNorms = gram.map((_, i) => at(gram, i, i));
  const start = gram[squaredNorms.indexOf(Math.max(...squaredNorms))] ?? new Float64Array();
  let vector = unit(start);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) vector = unit(times(gram, vector));
  return vector;
}

function times(gram: PairwiseDots, vector: Float64Array): Float64Array {
  return Float64Array.from(gram, (row) => row.reduce((sum, entry, j) => sum + entry * (vector[j] ?? NaN), 0));
}

function unit(vector: Float64Array): Float64Array {
  const norm = Math.sqrt(vector.reduce((sum, entry) => sum + entry * entry, 0));
  return norm === 0 ? vector : vector.map((entry) => entry / norm);
}
