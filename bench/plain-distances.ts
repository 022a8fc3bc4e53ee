// Plain JavaScript, as good as it gets without SIMD and threads: direct differences in float64, in blocks of columns that
// stay in the cache while all pairs pass over them. What bench/krum.ts holds the kernel against.

import { squaredDistance } from '../shared/vector/vector.ts';

const BLOCK_LENGTH = 2048;

/** n x n, row by row; symmetric, 0 on the diagonal. */
export function plainSquaredDistances(rows: readonly Float32Array[]): Float64Array {
  const n = rows.length;
  const squared = new Float64Array(n * n);
  const length = rows[0]?.length ?? 0;
  for (let start = 0; start < length; start += BLOCK_LENGTH) {
    const blocks = rows.map((row) => row.subarray(start, start + BLOCK_LENGTH));
    for (const [i, a] of blocks.entries())
      for (const [j, b] of blocks.slice(0, i).entries()) {
        const distance = squaredDistance(a, b);
        squared[i * n + j] = (squared[i * n + j] ?? NaN) + distance;
        squared[j * n + i] = (squared[j * n + i] ?? NaN) + distance;
      }
  }
  return squared;
}
