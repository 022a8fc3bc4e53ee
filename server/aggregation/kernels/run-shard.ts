// One shard on one thread: its columns in tiles, each read once, mixed where the cohort is an image, and computed on.

import { combine, coordinateWise } from './column-computations.ts';
import {
  DISTANCE_COLUMNS,
  distances,
  distances64,
  distancesOfLast,
  distancesToPoint,
} from './distance-computations.ts';
import { LinearMemory } from './linear-memory.ts';
import type { ShardComputation, Workplace } from './shard-computation.ts';
import type { RowReader, ShardJob, ShardResult, ShardTask } from './shard.ts';
import type { TileKernel } from './tile-kernel.ts';
import { BLOCK_COLUMNS, Tile } from './tile.ts';
import { imageOf } from './weighted-sums.ts';

export function runShard(kernel: TileKernel, reader: RowReader, { job, mixture, from, to }: ShardTask): ShardResult {
  const memory = new LinearMemory(kernel.memory);
  const columns = tileColumns(job, reader.n + (mixture?.coefficients.length ?? 0));
  const rows = new Tile(memory, reader.n, columns);
  const image = mixture && imageOf(rows, mixture, { memory, columns });
  const tile = image?.tile ?? rows;
  const computation = computationOf(job, { kernel, memory, tile, columns, width: to - from });
  for (let start = from; start < to; start += columns) {
    const width = Math.min(columns, to - start);
    rows.read(reader, start, width);
    image?.compute(kernel, width);
    tile.widen(width, computation.padding);
    computation.add(start - from, width);
  }
  return computation.result();
}

function computationOf(job: ShardJob, place: Workplace): ShardComputation {
  switch (job.kind) {
    case 'distances':
      return job.precision === 'float64' ? distances64(place) : distances(place);
    case 'distances-of-last':
      return distancesOfLast(place);
    case 'distances-to-point':
      return distancesToPoint(place, job.point);
    case 'combine':
      return combine(place, job.combination);
    case 'coordinate-wise':
      return coordinateWise(place, job.window);
  }
}

/** In float32 values: half of a usual second-level cache. */
const CACHED_VALUES = 131_072;

/** What is computed column by column has the same bits in tiles of any width. */
function tileColumns({ kind }: ShardJob, rows: number): number {
  if (kind !== 'combine' && kind !== 'coordinate-wise') return DISTANCE_COLUMNS;
  const blocks = Math.floor(CACHED_VALUES / rows / BLOCK_COLUMNS);
  return Math.max(4 * BLOCK_COLUMNS, Math.min(DISTANCE_COLUMNS, blocks * BLOCK_COLUMNS));
}
