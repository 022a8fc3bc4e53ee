// The values of single coordinates, for rules that look at a sample of them (DnC, SignGuard): cut into shards like any
// other job, and put back into the order that was asked for. Nothing here is worth SIMD: it is as many reads as values.

import { InvariantError } from '../../../shared/invariant-error.ts';
import type { Mixture } from '../cohort.ts';
import type { ColumnRange } from './column-ranges.ts';
import type { RowReader, ShardResult } from './shard.ts';

export interface GatherJob {
  readonly kind: 'gather';
  /** Ascending, all of them within the shard's columns, so that files are read in one sweep. */
  readonly coordinates: Uint32Array;
}

export interface Gathering {
  /** Null where no coordinate lies in that range. */
  inColumns(range: ColumnRange): GatherJob | null;
  /** One array per row, in the order of the coordinates asked for. */
  rowsOf(results: readonly ShardResult[]): readonly Float32Array[];
}

/** @throws InvariantError for a coordinate outside 0 to d - 1. */
export function gathering(coordinates: Uint32Array, { n, d }: { readonly n: number; readonly d: number }): Gathering {
  const at = (position: number): number => coordinates[position] ?? NaN;
  const order = Uint32Array.from(coordinates.keys()).sort((a, b) => at(a) - at(b));
  const sorted = Uint32Array.from(order, at);
  const beyond = sorted.at(-1) ?? -1;
  if (beyond >= d) throw new InvariantError(`coordinate ${beyond} of a cohort of ${d} columns`);
  return {
    inColumns({ from, to }) {
      const within = sorted.filter((coordinate) => coordinate >= from && coordinate < to);
      return within.length > 0 ? { kind: 'gather', coordinates: within } : null;
    },
    rowsOf: (results) =>
      Array.from({ length: n }, (_, row) => {
        const values = new Float32Array(order.length);
        results
          .flatMap((result) => [...rowOf(result, row, n)])
          .forEach((value, i) => (values[order[i] ?? NaN] = value));
        return values;
      }),
  };
}

function rowOf({ values }: ShardResult, row: number, n: number): Float32Array {
  const width = values.length / n;
  return values.subarray(row * width, (row + 1) * width);
}

/** `values` of the result: row after row of the image, a value for each coordinate. */
export function gatherShard(reader: RowReader, { coordinates }: GatherJob, mixture: Mixture | null): ShardResult {
  const raw = Array.from({ length: reader.n }, (_, row) => gatherRow(reader, row, coordinates));
  const rows = mixture?.coefficients.map((weights, r) => mixed(raw, weights, mixture.divisors[r] ?? NaN)) ?? raw;
  const values = new Float32Array(rows.length * coordinates.length);
  rows.forEach((row, r) => values.set(row, r * coordinates.length));
  return { values, sums: new Float64Array(), counts: new Float64Array() };
}

function gatherRow(reader: RowReader, row: number, coordinates: Uint32Array): Float32Array {
  const values = new Float32Array(coordinates.length);
  coordinates.forEach((coordinate, i) => reader.read(row, coordinate, values.subarray(i, i + 1)));
  return values;
}

function mixed(rows: readonly Float32Array[], weights: Float64Array, divisor: number): Float32Array {
  const sums = new Float64Array(rows[0]?.length ?? 0);
  rows.forEach((row, j) => {
    const weight = weights[j] ?? NaN;
    if (weight !== 0) row.forEach((value, i) => (sums[i] = (sums[i] ?? NaN) + weight * value));
  });
  return Float32Array.from(sums, (sum) => sum / divisor);
}
