// The geometric median out of distances alone. Every point that Weiszfeld's iteration comes by is a mean of the rows with
// weights a, and |x_i - v|^2 = (D a)_i - a'D a / 2 for the matrix D of their squared distances: a step costs n^2.
// Rounding leaves |x_i - v|^2 an error of some 1e-16 (D a)_i; a change of the weights below what that makes of them is
// taken for none, since it would go on for ever.
// Weiszfeld's iteration creeps where the median is one of the rows. That is known beforehand (Vardi and Zhang 2000, PNAS
// 97(4), formula 2.6): row k is a median where the unit vectors towards the rows elsewhere sum to at most as much as the
// number of rows at k.

import type { Distances } from '../cohort.ts';

export interface Settling {
  /** The least distance that is divided by, in the updates' unit. */
  readonly nu: number;
  /** Ends at a relative change of every weight by no more. */
  readonly tolerance: number;
  readonly maxIterations: number;
}

export interface Settled {
  /** By row, of sum 1: the median is the mean with these weights. */
  readonly weights: Float64Array;
  readonly settled: boolean;
}

/** Of the comparison with the number of rows; ten times the rounding of the sum where distances differ by 1e7. */
const SLACK = 1e-8;

export function geometricMedianWeights(distances: Distances, settling: Settling): Settled {
  const { n } = distances;
  const rows = mediansAmongRows(distances);
  // Each of them minimises a convex sum, hence so does their mean, which depends on no order of the rows.
  if (rows.length > 0) {
    const weights = new Float64Array(n);
    for (const row of rows) weights[row] = 1 / rows.length;
    return { weights, settled: true };
  }
  return iterated(distances, settling);
}

/** Smoothed Weiszfeld (Pillutla et al. 2022, arXiv 1912.13445, algorithm 2): 1 / max(nu, distance), of sum 1. */
export function weiszfeldWeights(squaredDistances: Float64Array, nu: number): Float64Array {
  const inverses = squaredDistances.map((squared) => 1 / Math.max(nu, Math.sqrt(squared)));
  const total = inverses.reduce((sum, inverse) => sum + inverse, 0);
  return inverses.map((inverse) => inverse / total);
}

function iterated(distances: Distances, { nu, tolerance, maxIterations }: Settling): Settled {
  const { n } = distances;
  let weights: Float64Array = new Float64Array(n).fill(1 / n);
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    const { squared, rounding } = fromWeightedMean(distances, weights, nu);
    const next = weiszfeldWeights(squared, nu);
    const change = next.reduce((most, weight, i) => Math.max(most, Math.abs(weight / (weights[i] ?? NaN) - 1)), 0);
    weights = next;
    if (change <= Math.max(tolerance, rounding)) return { weights, settled: true };
  }
  return { weights, settled: false };
}

/** Squared distances to the mean with `weights`, and the relative error that rounding leaves in the weights they yield. */
function fromWeightedMean({ n, squared: matrix }: Distances, weights: Float64Array, nu: number) {
  const products = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let product = 0;
    for (let j = 0; j < n; j++) product += (matrix[i * n + j] ?? NaN) * (weights[j] ?? NaN);
    products[i] = product;
  }
  const half = products.reduce((sum, product, i) => sum + product * (weights[i] ?? NaN), 0) / 2;
  const squared = products.map((product) => Math.max(0, product - half));
  const rounding = squared.reduce(
    (most, distance, i) => Math.max(most, (products[i] ?? NaN) / Math.max(distance, nu * nu)),
    0,
  );
  return { squared, rounding: rounding * Number.EPSILON };
}

/** The rows that are medians, ascending. */
function mediansAmongRows(distances: Distances): readonly number[] {
  const { n, squared } = distances;
  const sums = Float64Array.from({ length: n }, (_, row) =>
    squared.subarray(row * n, (row + 1) * n).reduce((sum, distance) => sum + Math.sqrt(distance), 0),
  );
  const least = sums.reduce((a, b) => Math.min(a, b), Infinity);
  // The other rows cannot minimise the sum of distances.
  const candidates = [...sums.keys()].filter((row) => (sums[row] ?? NaN) <= least * (1 + SLACK));
  return candidates.filter((row) => isMedian(distances, row));
}

function isMedian({ n, squared }: Distances, row: number): boolean {
  const from = squared.subarray(row * n, (row + 1) * n);
  const elsewhere = [...from.keys()].filter((other) => from[other] !== 0);
  const lengths = from.map(Math.sqrt);
  let pull = 0;
  for (const i of elsewhere)
    for (const j of elsewhere) {
      const product = ((from[i] ?? NaN) + (from[j] ?? NaN) - (squared[i * n + j] ?? NaN)) / 2;
      pull += product / ((lengths[i] ?? NaN) * (lengths[j] ?? NaN));
    }
  return Math.sqrt(Math.max(0, pull)) <= (n - elsewhere.length) * (1 + SLACK);
}
