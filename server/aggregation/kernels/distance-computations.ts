// The distance jobs: float64 sums in the kernel's memory, to which every tile adds its part.

import type { ShardComputation, Workplace } from './shard-computation.ts';
import { resultOf } from './shard-computation.ts';

/** A run of assembly/distances.ts; the difference of two zeros adds nothing. */
const PADDING = { multiple: 96, value: 0 };

/**
 * Columns of a full tile. Part of the definition of the sums, so it depends on nothing: a row that comes later must find
 * the same bits. Whole runs, at most 1,024 (the range of assembly/distances.ts).
 */
export const DISTANCE_COLUMNS = 960;

export function distances(place: Workplace): ShardComputation {
  const { kernel, memory, tile } = place;
  const lanes = memory.reserve(64);
  return sumsOf(place, pairsOf(tile.rows), (sums) => kernel.distances(tile.address, sums, lanes));
}

export function distancesOfLast(place: Workplace): ShardComputation {
  const { kernel, memory, tile } = place;
  const lanes = memory.reserve(64);
  return sumsOf(place, Math.max(tile.rows - 1, 0), (sums) => kernel.distancesOfLast(tile.address, sums, lanes));
}

export function distances64(place: Workplace): ShardComputation {
  const { kernel, tile } = place;
  return sumsOf(place, pairsOf(tile.rows), (sums) => kernel.distances64(tile.address, sums));
}

export function distancesToPoint(place: Workplace, point: Float32Array | null): ShardComputation {
  const { kernel, memory, tile, columns } = place;
  const address = memory.reserveZeros(columns * 4);
  return sumsOf(place, tile.rows, (sums, at, width) => {
    if (point)
      memory
        .floats(address, columns)
        .fill(0)
        .set(point.subarray(at, at + width));
    kernel.distancesToPoint(tile.address, address, sums);
  });
}

const pairsOf = (rows: number): number => (rows * (rows - 1)) / 2;

type Addition = (sums: number, at: number, width: number) => void;

function sumsOf({ memory }: Workplace, length: number, add: Addition): ShardComputation {
  const sums = memory.reserveZeros(length * 8);
  return {
    padding: PADDING,
    add: (at, width) => add(sums, at, width),
    result: () => resultOf({ sums: memory.doubles(sums, length).slice() }),
  };
}
