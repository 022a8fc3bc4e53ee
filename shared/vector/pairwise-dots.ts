// Dot product of every pair of vectors, each pair once. Works through d in blocks that stay in the cache while all pairs
// pass over them: n(n+1)/2 d multiply-adds. Not the way to distances, which cancel: those are `Cohort.squaredDistances`.

import { dot } from './vector.ts';

/** Part of the definition: another length adds in another order and can change the last bit. */
const BLOCK_LENGTH = 2048;

/** Row i holds the n dot products with vector i; symmetric to the last bit. */
export type PairwiseDots = readonly Float64Array[];

export function pairwiseDots(vectors: readonly Float32Array[]): PairwiseDots {
  const rows = vectors.map(() => new Float64Array(vectors.length));
  const length = vectors[0]?.length ?? 0;
  for (let start = 0; start < length; start += BLOCK_LENGTH) {
    const blocks = vectors.map((vector) => vector.subarray(start, start + BLOCK_LENGTH));
    rows.forEach((row, i) => addRow(row, i, blocks));
  }
  rows.forEach((row, i) => mirror(row, i, rows));
  return rows;
}

/** -1 to 1; 0 where either vector is zero, since it points nowhere. */
export function cosine(product: number, squaredNormA: number, squaredNormB: number): number {
  return product === 0 ? 0 : product / Math.sqrt(squaredNormA * squaredNormB);
}

export const at = (dots: PairwiseDots, i: number, j: number): number => dots[i]?.[j] ?? NaN;

/** Up to the diagonal, which is included. */
function addRow(row: Float64Array, i: number, blocks: readonly Float32Array[]): void {
  const own = blocks[i];
  if (own === undefined) return;
  for (const [j, block] of blocks.slice(0, i + 1).entries()) row[j] = (row[j] ?? NaN) + dot(own, block);
}

function mirror(row: Float64Array, i: number, rows: PairwiseDots): void {
  for (let j = i + 1; j < rows.length; j++) row[j] = at(rows, j, i);
}
