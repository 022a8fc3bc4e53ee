// How far liars can have moved an aggregate a, without any assumption on the honest updates. If at most f of the n lie,
// at least n - f are honest, and the mean of the honest is a mean of means of (n-f)-subsets (each honest one lies in
// equally many), so in the convex hull of those means. The distance from a is convex, hence
//   |a - mean(honest)| <= R = max over S of n - f updates of |a - mean(S)|.
// With r_i = |x_i - a|^2, D_ij = |x_i - x_j|^2 and m = n - f, for S and the f others T (expand |x_i - a - (x_j - a)|^2):
//   m^2 |a - mean(S)|^2 = m sum over S of r_i - sum over pairs of S of D_ij = Q + g(T),
//   Q = m sum of all r_i - sum of all pairs' D_ij,  g(T) = sum over T of (sum_j D_ij - m r_i) - sum over pairs of T of D_ij.
// subset-search.ts maximises g exactly where that is cheap, subset-relaxation.ts bounds it from above everywhere; its
// potentials start from r, which makes of reduced costs -2 (x_i - a)(x_j - a).
//
// What rounding can hide. The first form of m^2 |a - mean(S)|^2 rises in every r and falls in every D. Where the figures
// given differ from the true ones by a share of at most e < 1/2, the true r_i <= r_i / (1-e) <= r_i (1 + e + 2e^2) and
// D_ij >= D_ij / (1+e) >= D_ij (1-e): the bound at those (2^-50 more for their own rounding) is one for the true figures.
// The sums themselves: every term enters at most 2n + 2f + 10 additions, and all terms that enter any Q + g(T), or its
// relaxation with potentials q, have magnitudes that sum to at most M = 2m sum r + 3 sum of all D + 2f sum |q|. So a sum is
// off by at most (4n + 11) 2^-53 M to first order, and 8(n + 4) 2^-53 M is added to it.

import { InvariantError } from '../../../shared/invariant-error.ts';
import type { Distances } from '../cohort.ts';
import type { Certificate } from './explanation.ts';
import { errorOf, sumOf } from './rounding.ts';
import { type Omission, relax } from './subset-relaxation.ts';
import { search } from './subset-search.ts';

/**
 * Exact wherever 2f <= n and C(n, f) <= 200,000, mostly far beyond, and else `relaxedBound`.
 * @param distances whose relative error, where it is not 0, bounds that of `toAggregate` too
 * @param toAggregate n squared L2 distances, of each row to the aggregate
 * @throws InvariantError unless f is a whole number of 0 .. n - 1 and all figures are finite, not negative and those of
 *   points in a space.
 */
export function certify(distances: Distances, toAggregate: Float64Array, f: number): Certificate {
  const spread = spreadOf(distances, toAggregate, f);
  const relaxation = relax(spread, spread.farther);
  const most = search(spread, relaxation);
  return { bound: boundOf(spread, most ?? relaxation.most, relaxation.potentials), exact: most !== null };
}

/** The bound by relaxation alone: never below the exact one. Parameters and errors as of `certify`. */
export function relaxedBound(distances: Distances, toAggregate: Float64Array, f: number): number {
  const spread = spreadOf(distances, toAggregate, f);
  const { most, potentials } = relax(spread, spread.farther);
  return boundOf(spread, most, potentials);
}

/** Q and g of the head, at figures that the true ones do not exceed (r) or fall below (D). */
interface Spread extends Omission {
  /** r, n of them. */
  readonly farther: Float64Array;
  /** Q. */
  readonly whole: number;
  /** M of the head without its potentials. */
  readonly magnitude: number;
}

function spreadOf(distances: Distances, toAggregate: Float64Array, f: number): Spread {
  requireFigures(distances, toAggregate, f);
  const { n, squared } = distances;
  const error = errorOf(distances);
  const farther = toAggregate.map((r) => r * (1 + error + 2 * error * error + 2 ** -50));
  const costs = squared.map((distance) => distance * (1 - error - 2 ** -50));
  const toOthers = farther.map((_, i) => sumOf(costs.subarray(i * n, (i + 1) * n)));
  const gains = toOthers.map((sum, i) => sum - (n - f) * (farther[i] ?? NaN));
  const [r, pairs] = [(n - f) * sumOf(farther), sumOf(toOthers)];
  return { n, f, gains, costs, farther, whole: r - pairs / 2, magnitude: 2 * r + 3 * pairs };
}

/** R, where leaving rows out gains at most `most`, shown with those potentials. */
function boundOf({ n, f, whole, magnitude }: Spread, most: number, potentials: Float64Array): number {
  const terms = magnitude + 2 * f * sumOf(potentials.map(Math.abs));
  const hidden = 8 * (n + 4) * 2 ** -53 * terms;
  const square = whole + most + hidden;
  if (!(square >= 0)) throw new InvariantError('expected the distances of points, found some that no points have');
  return (Math.sqrt(square) / (n - f)) * (1 + 2 ** -50);
}

function requireFigures({ n, squared, relativeError }: Distances, toAggregate: Float64Array, f: number): void {
  if (!(Number.isInteger(f) && f >= 0 && f < n)) throw new InvariantError(`expected f of 0 .. ${n - 1}, found ${f}`);
  if (squared.length !== n * n || toAggregate.length !== n)
    throw new InvariantError(`expected ${n} rows, found ${squared.length} and ${toAggregate.length} figures`);
  if (!(relativeError >= 0 && relativeError < 1 / 2))
    throw new InvariantError(`expected a relative error below 1/2, found ${relativeError}`);
  const amiss = [squared, toAggregate].some((figures) => !figures.every((figure) => figure >= 0 && figure < Infinity));
  if (amiss) throw new InvariantError('expected finite squared distances');
}
