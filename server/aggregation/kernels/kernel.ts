// Port: what computes over the rows of a cohort. One for the whole coordinator; it owns the threads.

import type { Cohort } from '../cohort.ts';

/** d float32 values, little-endian: in memory (no copy is made where they lie on a SharedArrayBuffer), or in a file from a byte on. */
export type RowSource = Float32Array | FileRow;

export interface FileRow {
  readonly path: string;
  readonly byteOffset: number;
}

export interface Kernel {
  /** What runs, such as `wasm-simd128`: for figures and logs. */
  readonly name: string;
  readonly threads: number;
  /** `rows` in the order of client ids, d finite values each. @throws InvariantError where lengths differ. */
  cohort(rows: readonly RowSource[], d: number): Cohort;
  /** An empty cohort whose distances are computed while its updates arrive. */
  growing(d: number): GrowingCohort;
  /** Ends the threads. */
  close(): Promise<void>;
}

export interface GrowingCohort {
  /** Takes a copy. Resolves when its distances to all rows before it are known; calls may overlap. */
  add(name: string, values: Float32Array): Promise<void>;
  has(name: string): boolean;
  /**
   * Those rows, in the order given; their `squaredDistances` are there already, with the very bits that `Kernel.cohort`
   * computes. @throws InvariantError for a name that was never added.
   */
  cohort(names: readonly string[]): Promise<Cohort>;
}
