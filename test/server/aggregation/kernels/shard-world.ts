// Shards over rows in memory, for the tests of what one thread computes.

import type { Mixture } from '../../../../server/aggregation/cohort.ts';
import { runShard } from '../../../../server/aggregation/kernels/run-shard.ts';
import type { RowReader, ShardJob, ShardResult } from '../../../../server/aggregation/kernels/shard.ts';
import { loadTileKernel } from '../../../../server/aggregation/kernels/tile-kernel.ts';

export type Rows = readonly Float32Array[];

/** One instance for all tests of a file: what a shard leaves behind in the memory must not show in the next. */
const kernel = await loadTileKernel();

export interface Columns {
  readonly from: number;
  readonly to: number;
}

const reader = (rows: Rows): RowReader => ({
  n: rows.length,
  read: (row, from, into) => into.set(rows[row]?.subarray(from, from + into.length) ?? []),
});

export function shardOf(
  rows: Rows,
  job: ShardJob,
  {
    mixture = null,
    from = 0,
    to = rows[0]?.length ?? 0,
  }: Partial<Columns> & { readonly mixture?: Mixture | null } = {},
): ShardResult {
  return runShard(kernel, reader(rows), { job, mixture, from, to });
}

export const sumsOfPairs = (rows: Rows, precision: 'float32-tiles' | 'float64' = 'float32-tiles'): Float64Array =>
  shardOf(rows, { kind: 'distances', precision }).sums;

/** Where the sum of a pair lies; `row` and `other` in either order. */
export const pairIndex = (row: number, other: number): number =>
  row > other ? (row * (row - 1)) / 2 + other : pairIndex(other, row);

/** Squared distances of all pairs, (1,0), (2,0), (2,1) …, in plain float64. */
export function exactSums(rows: Rows): Float64Array {
  const squared = (a: Float32Array, b: Float32Array): number =>
    a.reduce((sum, value, k) => sum + (value - (b[k] ?? NaN)) ** 2, 0);
  return Float64Array.from(rows.flatMap((row, i) => rows.slice(0, i).map((other) => squared(row, other))));
}

/** The largest |found - exact| / exact; a sum that should be 0 and is not counts as infinite. */
export function worstRelativeError(found: Float64Array, exact: Float64Array): number {
  const errors = Array.from(exact, (sum, i) => (found[i] === sum ? 0 : Math.abs((found[i] ?? NaN) - sum) / sum));
  return Math.max(0, ...errors);
}
