// What the updates themselves say about the number of liars: how many stand apart from the rest, by a figure that is
// nearly the same for all honest updates. Two figures of each row are tried, and the one that finds more is told:
//   its median distance to the others: longer, flipped or noisy updates are further away, colluders near the mean nearer;
//   its distance to the nearest other: copies of one update, which by their median distance hide among the honest.
// The shortest interval with more than half of the figures grows as long as the next figure on either side lies within
// 1 + 500 / n^2 times its length; what it never reaches stands apart. Below 10 updates the nearest distance is left out,
// as pairs that are each other's nearest have one figure, and below 5 nothing can be said.
//
// Measured in numpy, honest cohorts that are said to hold someone apart (500 to 3,000 each at d = 1,000 to 100,000):
// Gaussian noise around a common signal: 0.3 % at n = 5, 0.7 % at 6, 0.1 % at 7, 0.3 % at 10 and 15, none of 20 and more.
// Norms differing by a factor of 3: 4 % at 5, 6 % at 6, 2.5 % at 10, 1 % at 15, 0.7 % at 20, none of 50 and more. Class
// mixtures (Dirichlet 0.1, 0.5, 10) with norms by a factor of 2: at most 2 % below 10, 0.6 % from 10 on. Noise of which
// few directions hold most (variances 1/k): 0.9 % at 6, 1.6 % at 20, 1.2 % at 50.
// Liars found to the very number, n = 10, 20, 50 with 20 to 48 % of them, d = 10,000, 40 cohorts each: among homogeneous
// honest updates with a signal as long as the noise, sign flips, scaling by 10, wide noise, ALIE, IPM and copies, each in
// 92 to 100 % of cohorts; with a signal of a tenth of that no sign flip, which then changes distances by less than noise.
// Among norms that differ by a factor of 3 scaling alone is found reliably (92 to 100 %), no sign flip, and ALIE and IPM
// by minorities below 48 % mostly not. None found says nothing.

import { median } from '../../../shared/vector/vector.ts';
import type { Distances } from '../cohort.ts';
import type { LiarEstimate } from './explanation.ts';

const LEAST = 5;
const LEAST_FOR_NEAREST = 10;
/** Relative; what rounding alone tells apart stands nowhere. */
const ROUNDING = 1e-6;
/** A gap beside figures of 0 is as wide as this. */
const WIDEST_GAP = 1e9;

/**
 * Null below 5 updates, and where f says that no majority is honest. `suspected` is below n / 2; without any the gap is 1.
 * A gap below 1 says that they lie closer than the rest, 0 that they are copies.
 */
export function estimateLiars(distances: Distances, f: number): LiarEstimate | null {
  const { n } = distances;
  if (n < LEAST || n <= 2 * f) return null;
  const toOthers = Array.from({ length: n }, (_, row) => distancesToOthers(distances, row));
  const byMedian = standingApart(toOthers.map((figures) => median([...figures])));
  if (n < LEAST_FOR_NEAREST) return byMedian;
  const byNearest = standingApart(toOthers.map((figures) => Math.min(...figures)));
  return byNearest.suspected > byMedian.suspected ? byNearest : byMedian;
}

/** Where the figures contradict f, with the figures; "far fewer": a third of f or less, with f of 3 or more. */
export function liarWarnings(estimate: LiarEstimate | null, f: number): readonly string[] {
  if (estimate === null || estimate.suspected === 0) return [];
  const { suspected, gap } = estimate;
  const seen = `${suspected} of the updates ${suspected === 1 ? 'stands' : 'stand'} apart from the rest (gap ${gap.toPrecision(3)})`;
  if (suspected > f) return [`${seen}, more than the f = ${f} liars tolerated`];
  if (f < 3 || suspected > f / 3) return [];
  return [`${seen}, far fewer than f = ${f}: a smaller f may do, unless other liars hide among the rest`];
}

const distancesToOthers = ({ n, squared }: Distances, row: number): Float64Array =>
  squared
    .subarray(row * n, (row + 1) * n)
    .filter((_, other) => other !== row)
    .map(Math.sqrt);

/** The gap is that on the nearer side, where both sides have one. */
function standingApart(figures: readonly number[]): LiarEstimate {
  const sorted = Float64Array.from(figures).sort();
  const n = sorted.length;
  const at = (index: number): number => sorted[index] ?? NaN;
  let { first, last } = shortestHalf(sorted);
  while (last - first + 1 < n) {
    const width = Math.max(at(last) - at(first), ROUNDING * at(last));
    const above = last + 1 < n ? at(last + 1) - at(last) : Infinity;
    const below = first > 0 ? at(first) - at(first - 1) : Infinity;
    if (Math.min(above, below) > (1 + 500 / (n * n)) * width) {
      const gap = above <= below ? at(last + 1) / at(last) : at(first - 1) / at(first);
      return { suspected: n - (last - first + 1), gap: Math.min(gap, WIDEST_GAP) };
    }
    if (above <= below) last++;
    else first--;
  }
  return { suspected: 0, gap: 1 };
}

/** Of the ascending figures the shortest run of more than half; of equally short ones the lowest. */
function shortestHalf(sorted: Float64Array): { readonly first: number; readonly last: number } {
  const half = Math.floor(sorted.length / 2);
  const widths = Array.from({ length: sorted.length - half }, (_, i) => (sorted[i + half] ?? NaN) - (sorted[i] ?? NaN));
  const first = widths.indexOf(Math.min(...widths));
  return { first, last: first + half };
}
