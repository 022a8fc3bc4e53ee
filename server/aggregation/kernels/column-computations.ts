// The jobs that yield one value for each column: weighted sums, and means over a window of the sorted values.

import type { Combination, CoordinateWindow } from '../cohort.ts';
import type { LinearMemory } from './linear-memory.ts';
import type { ShardComputation, Workplace } from './shard-computation.ts';
import { resultOf } from './shard-computation.ts';
import { sortingNetwork } from './sorting-network.ts';
import { BLOCK_BYTES, BLOCK_COLUMNS, blockBytes } from './tile.ts';
import { weightedRows, writeSum } from './weighted-sums.ts';
import { type WindowPlaces, windowPlaces } from './window-places.ts';

export function combine(place: Workplace, { weights, divisor, plus }: Combination): ShardComputation {
  const { kernel, memory, tile, columns } = place;
  const [out, point] = [memory.reserve(columns * 4), memory.reserve(columns * 4)];
  const first = plus ? [{ address: point, weight: plus.weight }] : [];
  const sum = writeSum(memory, [...first, ...weightedRows(tile, weights)], divisor);
  const values = new Float32Array(place.width);
  return {
    padding: { multiple: BLOCK_COLUMNS, value: 0 },
    add(at, width) {
      if (plus) memory.floats(point, columns).set(plus.point.subarray(at, at + width));
      kernel.combine(sum, out, blockBytes(width));
      values.set(memory.floats(out, width), at);
    },
    result: () => resultOf({ values }),
  };
}

export function coordinateWise(place: Workplace, window: CoordinateWindow): ShardComputation {
  const { kernel, memory, tile, columns } = place;
  const places = windowPlaces(window, tile.rows);
  const [out, counts] = [memory.reserve(columns * 4), memory.reserveZeros(tile.rows * COUNTERS * 4)];
  const windows = writeWindows(memory, { rows: tile.rows, places, counts });
  const values = new Float32Array(place.width);
  return {
    // NaN lies within no window, so that no row is counted there.
    padding: { multiple: BLOCK_COLUMNS, value: NaN },
    add(at, width) {
      kernel.coordinateWise(tile.address, windows, out);
      values.set(memory.floats(out, width), at);
    },
    result: () => resultOf({ values, counts: countsByRow(memory.words(counts, tile.rows * COUNTERS)) }),
  };
}

/** Of each row in the kernel. */
const COUNTERS = 4;

function countsByRow(counters: Uint32Array): Float64Array {
  const counts = new Float64Array(counters.length / COUNTERS);
  counters.forEach((count, index) => {
    const row = Math.floor(index / COUNTERS);
    counts[row] = (counts[row] ?? NaN) + count;
  });
  return counts;
}

interface WindowsOf {
  readonly rows: number;
  readonly places: WindowPlaces;
  readonly counts: number;
}

/** Returns the address of the `Windows` of assembly/layout.ts. */
function writeWindows(memory: LinearMemory, { rows, places, counts }: WindowsOf): number {
  const { lowest, highest, keep } = places;
  const network = sortingNetwork(rows, { first: lowest, last: highest + keep - 1 });
  const comparators = memory.reserveWords(network.map((place) => place * BLOCK_BYTES));
  const [sorted, ends] = [memory.reserve(rows * BLOCK_BYTES), memory.reserve(2 * BLOCK_BYTES)];
  return memory.reserveWords([
    comparators,
    comparators + network.byteLength,
    sorted,
    lowest,
    highest,
    keep,
    ends,
    counts,
  ]);
}
