// The Cohort port over rows in memory or in files: every figure is a job of the kernel over the shards of the columns,
// put together here in the order of shards.

import type { Cohort, Combination, CoordinateWise, Distances, Mixture } from '../cohort.ts';
import type { ColumnRange } from './column-ranges.ts';
import type { Compute } from './compute.ts';
import { addedInOrder, allPairs, TILE_RELATIVE_ERROR, tilesSuffice } from './distance-sums.ts';
import { gathering } from './gather.ts';
import { composed, pickedImages, throughRows } from './mixtures.ts';
import { once } from './once.ts';
import { picked } from './picked.ts';
import type { Row } from './rows.ts';
import type { ShardJob, ShardResult } from './shard.ts';
import type { WorkJob } from './work.ts';

export interface CohortParts {
  readonly rows: readonly Row[];
  readonly d: number;
  /** Null: the rows as they are. */
  readonly mixture: Mixture | null;
  /** Squared distances by float32 tiles that were computed before. */
  readonly known?: Float64Array;
}

interface Shape {
  readonly n: number;
  readonly d: number;
}

/** A selection among n values costs about this many comparisons for each of them. */
const COMPARISONS_PER_VALUE = 8;

export function kernelCohort(compute: Compute, parts: CohortParts): Cohort {
  const { rows, d, mixture, known } = parts;
  const shape = { n: mixture ? mixture.coefficients.length : rows.length, d };
  const { n } = shape;
  const run = (inColumns: (range: ColumnRange) => WorkJob | null, perColumn: number) =>
    compute({ rows, d, mixture, inColumns, perColumn });
  const sumsOfPairs = async (precision: 'float32-tiles' | 'float64') =>
    allPairs(n, addedInOrder(await run(() => ({ kind: 'distances', precision }), (n * n) / 2)));
  const exact = once(async () => ({ n, squared: await sumsOfPairs('float64'), relativeError: 0 }));
  const tiled = once(async (): Promise<Distances> => {
    return { n, squared: known ?? (await sumsOfPairs('float32-tiles')), relativeError: TILE_RELATIVE_ERROR };
  });
  const distancesTo = async (point?: Float32Array) =>
    addedInOrder(await run((range) => ({ kind: 'distances-to-point', point: columnsOf(point, range) }), n));
  const norms = once(() => distancesTo());
  return {
    ...shape,
    squaredDistances: tilesSuffice(shape) ? tiled : exact,
    exactSquaredDistances: exact,
    squaredDistancesTo: (point) => (point ? distancesTo(point) : norms()),
    combine: async (combination) => {
      const read = readRows(rows, throughRows(combination, mixture));
      const inColumns = combinationIn(read.combination);
      return joined(await compute({ rows: read.rows, d, mixture: null, inColumns, perColumn: read.rows.length }), d);
    },
    coordinateWise: async (window) =>
      coordinateWise(await run(() => ({ kind: 'coordinate-wise', window }), n * COMPARISONS_PER_VALUE), shape),
    gather: async (coordinates) => {
      const { inColumns, rowsOf } = gathering(coordinates, shape);
      return rowsOf(await run(inColumns, n));
    },
    only: (kept) => kernelCohort(compute, only(parts, kept)),
    mixed: (outer) => kernelCohort(compute, { rows, d, mixture: composed(mixture, outer) }),
  };
}

/** Rows of weight 0 are not even read: of a large cohort the reading is the cost. */
function readRows(
  rows: readonly Row[],
  { weights, ...others }: Combination,
): { readonly rows: readonly Row[]; readonly combination: Combination } {
  const weighing = [...weights.keys()].filter((row) => weights[row] !== 0);
  const combination = { ...others, weights: Float64Array.from(weighing, (row) => weights[row] ?? NaN) };
  return { rows: picked(rows, weighing), combination };
}

function combinationIn({ plus, ...ofRows }: Combination): (range: ColumnRange) => ShardJob {
  return (range) => {
    const point = columnsOf(plus?.point, range);
    return { kind: 'combine', combination: plus && point ? { ...ofRows, plus: { ...plus, point } } : ofRows };
  };
}

/** A copy, so that a shard's message carries its own columns alone. */
function columnsOf(point: Float32Array | undefined, { from, to }: ColumnRange): Float32Array | null {
  return point?.slice(from, to) ?? null;
}

function joined(results: readonly ShardResult[], d: number): Float32Array {
  const all = new Float32Array(d);
  let filled = 0;
  for (const { values } of results) {
    all.set(values, filled);
    filled += values.length;
  }
  return all;
}

function coordinateWise(results: readonly ShardResult[], { n, d }: Shape): CoordinateWise {
  const countOf = (row: number): number => results.reduce((sum, { counts }) => sum + (counts[row] ?? NaN), 0);
  return { values: joined(results, d), shares: Float64Array.from({ length: n }, (_, row) => countOf(row) / d) };
}

function only({ rows, d, mixture }: CohortParts, kept: readonly number[]): CohortParts {
  if (mixture) return { rows, d, mixture: pickedImages(mixture, kept) };
  return { rows: picked(rows, kept), d, mixture };
}
