// The port of server/aggregation/cohort.ts in plain loops over float64, for tests of the rules and as the oracle of the
// kernels: every definition as it stands in the port, nothing fast.

import type {
  Cohort,
  Combination,
  CoordinateWindow,
  CoordinateWise,
  Distances,
  Mixture,
} from '../../server/aggregation/cohort.ts';

export const plainCohort = (rows: readonly (readonly number[] | Float32Array)[]): Cohort =>
  cohortOf(rows.map((row) => Float32Array.from(row)));

function cohortOf(rows: readonly Float32Array[]): Cohort {
  const [n, d] = [rows.length, rows[0]?.length ?? 0];
  const squaredDistances = (): Promise<Distances> => {
    const squared = rows.flatMap((a) => rows.map((b) => squaredDistance(a, b)));
    return Promise.resolve({ n, squared: Float64Array.from(squared), relativeError: 0 });
  };
  return {
    n,
    d,
    squaredDistances,
    exactSquaredDistances: squaredDistances,
    squaredDistancesTo: (point = new Float32Array(d)) =>
      Promise.resolve(Float64Array.from(rows, (row) => squaredDistance(row, point))),
    combine: (combination) => Promise.resolve(Float32Array.from({ length: d }, (_, k) => sumAt(rows, combination, k))),
    coordinateWise: (window) => Promise.resolve(coordinateWise(rows, window)),
    gather: (coordinates) =>
      Promise.resolve(rows.map((row) => Float32Array.from(coordinates, (coordinate) => row[coordinate] ?? NaN))),
    only: (kept) => cohortOf(kept.map((row) => rows[row] ?? new Float32Array())),
    mixed: (mixture) => cohortOf(mixedRows(rows, mixture)),
  };
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, k) => sum + (value - (b[k] ?? NaN)) ** 2, 0);
}

function sumAt(rows: readonly Float32Array[], { weights, divisor, plus }: Combination, k: number): number {
  const start = plus ? plus.weight * (plus.point[k] ?? NaN) : 0;
  return (
    rows.reduce((sum, row, j) => sum + (weights[j] === 0 ? 0 : (weights[j] ?? NaN) * (row[k] ?? NaN)), start) / divisor
  );
}

/** Stacked mixtures round in between here, which the port does not: oracles are compared with a tolerance. */
function mixedRows(rows: readonly Float32Array[], { coefficients, divisors }: Mixture): readonly Float32Array[] {
  return coefficients.map((weights, r) =>
    Float32Array.from({ length: rows[0]?.length ?? 0 }, (_, k) =>
      sumAt(rows, { weights, divisor: divisors[r] ?? NaN }, k),
    ),
  );
}

function coordinateWise(rows: readonly Float32Array[], window: CoordinateWindow): CoordinateWise {
  const d = rows[0]?.length ?? 0;
  const values = new Float32Array(d);
  const shares = new Float64Array(rows.length);
  for (let k = 0; k < d; k++) {
    const sorted = rows.map((row) => row[k] ?? NaN).sort((a, b) => a - b);
    const kept = windowOf(sorted, window);
    values[k] = kept.reduce((sum, value) => sum + value, 0) / kept.length;
    const [least = NaN, most = NaN] = [kept[0], kept.at(-1)];
    rows.forEach((row, j) => {
      const value = row[k] ?? NaN;
      if (value >= least && value <= most) shares[j] = (shares[j] ?? NaN) + 1 / d;
    });
  }
  return { values, shares };
}

function windowOf(sorted: readonly number[], window: CoordinateWindow): readonly number[] {
  const n = sorted.length;
  if (window.kind === 'trimmed') return sorted.slice(window.trim, n - window.trim);
  const middle = sorted.slice((n - 1) >> 1, (n >> 1) + 1);
  if (window.kind === 'median') return middle;
  const median = middle.reduce((sum, value) => sum + value, 0) / middle.length;
  let from = 0;
  // The window slides up while what it would lose is further from the median than what it would gain.
  while (from + window.keep < n && median - (sorted[from] ?? NaN) > (sorted[from + window.keep] ?? NaN) - median)
    from++;
  return sorted.slice(from, from + window.keep);
}
