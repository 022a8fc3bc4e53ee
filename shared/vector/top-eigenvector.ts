// The direction in which vectors spread most, without ever holding a d x d matrix: with u the top eigenvector of the n x n
// Gram matrix of the centred vectors and lambda its eigenvalue, the projection of vector i on the top right singular
// vector is sqrt(lambda) u_i. By power iteration, so that the bits do not hang on a library of linear algebra.

import type { PairwiseDots } from './pairwise-dots.ts';

export interface Convergence {
  /** Every direction of variance below r times the top one's shrinks by r in each. */
  readonly iterations: number;
  /** Stops before that where no entry moves by more; with 0 the bits are those of all the iterations. */
  readonly tolerance: number;
}

/** The mean of equal values is exact in float64, so that equal vectors leave exactly 0. Rounded to float32 once. */
export function centred(vectors: readonly Float32Array[]): readonly Float32Array[] {
  const rows = vectors.map((vector) => new Float32Array(vector.length));
  vectors[0]?.forEach((_, k) => {
    let sum = 0;
    for (const vector of vectors) sum += vector[k] ?? NaN;
    const mean = sum / vectors.length;
    rows.forEach((row, i) => (row[k] = (vectors[i]?.[k] ?? NaN) - mean));
  });
  return rows;
}

/**
 * n entries, of norm 1 unless the matrix takes `start` to zero. A start without a part in the top direction never finds
 * it; of two directions of the same variance it finds the mixture that is in the start.
 */
export function topEigenvector(gram: PairwiseDots, start: Float64Array, most: Convergence): Float64Array {
  let vector = unit(start);
  for (let iteration = 0; iteration < most.iterations; iteration++) {
    const next = unit(times(gram, vector));
    const moved = next.reduce((largest, entry, i) => Math.max(largest, Math.abs(entry - (vector[i] ?? NaN))), 0);
    vector = next;
    if (moved <= most.tolerance) break;
  }
  return vector;
}

function times(gram: PairwiseDots, vector: Float64Array): Float64Array {
  return Float64Array.from(gram, (row) => row.reduce((sum, entry, j) => sum + entry * (vector[j] ?? NaN), 0));
}

function unit(vector: Float64Array): Float64Array {
  const norm = Math.sqrt(vector.reduce((sum, entry) => sum + entry * entry, 0));
  return norm === 0 ? vector : vector.map((entry) => entry / norm);
}
