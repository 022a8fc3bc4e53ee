// One piece of work: a job over the columns `from` to `to` of all rows. What a shard yields depends on nothing but the
// values in its columns; results are put together in the order of shards, so that neither the number of threads nor who
// was quickest shows in a single bit.

import type { Combination, CoordinateWindow, Mixture } from '../cohort.ts';

export type ShardJob =
  /** Squared distances of every pair, `n (n - 1) / 2` sums: (1,0), (2,0), (2,1), (3,0) … */
  | { readonly kind: 'distances'; readonly precision: 'float32-tiles' | 'float64' }
  /** Of the last row to each row before it, n - 1 sums, with the bits of `distances` in float32 tiles. */
  | { readonly kind: 'distances-of-last' }
  /** Of each row to the point, or to zero, n sums in float64. `point` holds the shard's columns alone. */
  | { readonly kind: 'distances-to-point'; readonly point: Float32Array | null }
  /** `plus.point` holds the shard's columns alone. */
  | { readonly kind: 'combine'; readonly combination: Combination }
  | { readonly kind: 'coordinate-wise'; readonly window: CoordinateWindow };

export interface ShardTask {
  readonly job: ShardJob;
  /** Null: the rows as they are. */
  readonly mixture: Mixture | null;
  readonly from: number;
  readonly to: number;
}

export interface ShardResult {
  /** Of the distance jobs; empty for others. */
  readonly sums: Float64Array;
  /** `to - from` values of `combine` and `coordinate-wise`; empty for others. */
  readonly values: Float32Array;
  /** Of `coordinate-wise`, one per row: in how many coordinates of the shard its value lies within the window's ends. */
  readonly counts: Float64Array;
}

/** Where a worker finds the rows. Synchronous: a worker has nothing else to do. */
export interface RowReader {
  readonly n: number;
  /** Copies columns `from` to `from + into.length` of one row. */
  read(row: number, from: number, into: Float32Array): void;
}
