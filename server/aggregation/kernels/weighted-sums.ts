// Weighted sums of rows, as the kernel takes them: rows with their weights, those of weight 0 left out.

import type { Mixture } from '../cohort.ts';
import type { LinearMemory } from './linear-memory.ts';
import type { TileKernel } from './tile-kernel.ts';
import { Tile, blockBytes } from './tile.ts';

export interface WeightedRow {
  readonly address: number;
  readonly weight: number;
}

const BYTES_OF_TERM = 16;

export const weightedRows = (tile: Tile, weights: Float64Array): readonly WeightedRow[] =>
  Array.from(weights, (weight, row) => ({ address: tile.addressOf(row), weight }));

/** Returns the address of the `WeightedSum` of assembly/layout.ts. */
export function writeSum(memory: LinearMemory, rows: readonly WeightedRow[], divisor: number): number {
  const terms = rows.filter(({ weight }) => weight !== 0);
  const entries = [{ address: 0, weight: divisor }, ...terms];
  const sum = memory.reserve(entries.length * BYTES_OF_TERM);
  const words = memory.words(sum, entries.length * 4);
  const doubles = memory.doubles(sum, entries.length * 2);
  entries.forEach(({ address, weight }, index) => {
    words[4 * index] = address;
    doubles[2 * index + 1] = weight;
  });
  words[0] = sum + entries.length * BYTES_OF_TERM;
  return sum;
}

/** The tile of a mixture's rows. */
export interface Image {
  readonly tile: Tile;
  /** The first `width` columns, from those of the rows' tile. */
  compute(kernel: TileKernel, width: number): void;
}

interface Room {
  readonly memory: LinearMemory;
  /** Of the tile of rows, and of the image. */
  readonly columns: number;
}

export function imageOf(rows: Tile, { coefficients, divisors }: Mixture, { memory, columns }: Room): Image {
  const tile = new Tile(memory, coefficients.length, columns);
  const sums = coefficients.map((weights, row) => writeSum(memory, weightedRows(rows, weights), divisors[row] ?? NaN));
  return {
    tile,
    compute: (kernel, width) => sums.forEach((sum, row) => kernel.combine(sum, tile.addressOf(row), blockBytes(width))),
  };
}
