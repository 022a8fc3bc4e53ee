// What a job does with each tile of a shard, and what it has in the end: one maker for each kind of job in
// distance-computations.ts and column-computations.ts.

import type { LinearMemory } from './linear-memory.ts';
import type { ShardResult } from './shard.ts';
import type { TileKernel } from './tile-kernel.ts';
import type { Padding, Tile } from './tile.ts';

export interface ShardComputation {
  readonly padding: Padding;
  /** The tile holds `width` columns of the shard from its column `at` on. */
  add(at: number, width: number): void;
  result(): ShardResult;
}

/** Memory may be reserved until the first tile is read. */
export interface Workplace {
  readonly kernel: TileKernel;
  readonly memory: LinearMemory;
  readonly tile: Tile;
  /** Of a full tile. */
  readonly columns: number;
  /** Columns of the shard. */
  readonly width: number;
}

/** What a job does not yield is empty, and new each time: whoever takes a result may hand its memory on. */
export const resultOf = ({
  sums = new Float64Array(),
  values = new Float32Array(),
  counts = new Float64Array(),
}: Partial<ShardResult>): ShardResult => ({ sums, values, counts });
