// From the sums of shards to squared distances: float64, added in the order of shards. In which precision a cohort's
// distances are computed follows from its size alone.

import type { ShardResult } from './shard.ts';

/** Bound on a sum over float32 tiles, each of which is added up in float64 (shard.ts, `distances`). */
export const TILE_RELATIVE_ERROR = 1e-6;
/** Up to here float64 throughout takes a fraction of a second, and no tie is ever too near to call. */
const MOST_EXACT_OPERATIONS = 2 ** 27;

/** Whether distances among n rows of d values are worth float32 tiles; else they are float64 throughout. */
export function tilesSuffice({ n, d }: { readonly n: number; readonly d: number }): boolean {
  return (n * n * d) / 2 > MOST_EXACT_OPERATIONS;
}

/** Element by element over all shards. */
export function addedInOrder(results: readonly ShardResult[]): Float64Array {
  const total = Float64Array.from(results[0]?.sums ?? []);
  for (const { sums } of results.slice(1))
    for (let i = 0; i < total.length; i++) total[i] = (total[i] ?? NaN) + (sums[i] ?? NaN);
  return total;
}

/** n x n, out of the pairs (1,0), (2,0), (2,1), (3,0) …; 0 on the diagonal. */
export function allPairs(n: number, sums: Float64Array): Float64Array {
  return symmetric(n, (row, before) => sums[(row * (row - 1)) / 2 + before] ?? NaN);
}

/** n x n; 0 on the diagonal. */
export function symmetric(n: number, pair: (row: number, before: number) => number): Float64Array {
  const squared = new Float64Array(n * n);
  for (let i = 1; i < n; i++) for (let j = 0; j < i; j++) squared[i * n + j] = squared[j * n + i] = pair(i, j);
  return squared;
}
