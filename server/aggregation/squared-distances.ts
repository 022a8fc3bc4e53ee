// Squared L2 distance of every pair of vectors, each pair once, from the differences themselves in float64: the Gram
// form |a|^2 + |b|^2 - 2ab cancels where clients lie close together, and then picks a client at random. Works through
// d in blocks that stay in the cache while all pairs pass over them: n(n-1)/2 d multiply-adds, n d values read once.
// The block length belongs to the definition: another one adds in another order and can change the last bit.

import { squaredDistance } from '../../shared/vector/vector.ts';

const BLOCK_LENGTH = 2048;

/** Row i holds the n squared distances from vector i; symmetric to the last bit, 0 on the diagonal. */
export function squaredDistances(vectors: readonly Float32Array[]): readonly Float64Array[] {
  const rows = vectors.map(() => new Float64Array(vectors.length));
  const length = vectors[0]?.length ?? 0;
  for (let start = 0; start < length; start += BLOCK_LENGTH) {
    const blocks = vectors.map((vector) => vector.subarray(start, start + BLOCK_LENGTH));
    addBlock(rows, blocks);
  }
  return rows;
}

function addBlock(rows: readonly Float64Array[], blocks: readonly Float32Array[]): void {
  for (const [i, a] of blocks.entries()) {
    for (const [j, b] of blocks.slice(0, i).entries()) {
      const distance = squaredDistance(a, b);
      add(rows[i], j, distance);
      add(rows[j], i, distance);
    }
  }
}

function add(row: Float64Array | undefined, at: number, distance: number): void {
  if (row !== undefined) row[at] = (row[at] ?? NaN) + distance;
}
