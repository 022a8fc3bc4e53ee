// A tile: some columns of all rows in the kernel's memory, few enough to stay in a core's cache.

import type { LinearMemory } from './linear-memory.ts';
import type { RowReader } from './shard.ts';

/** What the kernel takes at once in the jobs that work by columns: a line of the cache. */
export const BLOCK_COLUMNS = 16;
export const BLOCK_BYTES = 4 * BLOCK_COLUMNS;

/** Of the blocks that hold `width` columns. */
export const blockBytes = (width: number): number => Math.ceil(width / BLOCK_COLUMNS) * BLOCK_BYTES;

/** To how many columns the last tile of a shard is widened, and with which value. */
export interface Padding {
  readonly multiple: number;
  readonly value: number;
}

export class Tile {
  /** Of the `Tile` of assembly/layout.ts. */
  readonly address: number;
  readonly rows: number;
  readonly #memory: LinearMemory;
  readonly #columns: number;
  readonly #stride: number;
  readonly #values: number;
  #views: readonly Float32Array<ArrayBuffer>[] | undefined;

  constructor(memory: LinearMemory, rows: number, columns: number) {
    this.#memory = memory;
    this.rows = rows;
    this.#columns = columns;
    // A block apart: else the same column of all rows could fall into one set of a cache.
    this.#stride = 4 * columns + BLOCK_BYTES;
    this.#values = memory.reserve(rows * this.#stride);
    this.address = memory.reserveWords([this.#values, this.#stride, rows, 0]);
  }

  addressOf(row: number): number {
    return this.#values + row * this.#stride;
  }

  read(reader: RowReader, from: number, width: number): void {
    this.#rowViews().forEach((view, row) =>
      reader.read(row, from, width === view.length ? view : view.subarray(0, width)),
    );
  }

  /** Sets how many columns the kernel finds, and fills those beyond `width`. */
  widen(width: number, { multiple, value }: Padding): void {
    const widened = Math.ceil(width / multiple) * multiple;
    this.#memory.words(this.address, 4)[3] = 4 * widened;
    if (widened > width) for (const view of this.#rowViews()) view.fill(value, width, widened);
  }

  /** Made when the first tile is read, since memory is reserved until then, and kept: rows are many, tiles more. */
  #rowViews(): readonly Float32Array<ArrayBuffer>[] {
    this.#views ??= Array.from({ length: this.rows }, (_, row) =>
      this.#memory.floats(this.addressOf(row), this.#columns),
    );
    return this.#views;
  }
}
