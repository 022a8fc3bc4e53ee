// What leaving f of n rows out gains at most, without trying every choice: Gilmore's and Lawler's bound (Lawler 1963,
// Management Science 9(4)) with a potential q_i on every row. T being the rows left out, their pairs cost together
//   sum over T of ((f-1) q_i + 1/2 sum over the others j of T of (costs[i][j] - q_i - q_j)),
// since every q_i stands in f - 1 pairs. The inner sum is no less than that of its f - 1 least terms over all j, so no T
// gains more than the sum of the f largest figures
//   gains[i] - (f-1) q_i - 1/2 (the f - 1 least of costs[i][j] - q_i - q_j over j).
// That holds for every q. Subgradient steps of Polyak's length look for a q with a small bound; the least is kept.

import { sumOf } from './rounding.ts';

/** Which f of n rows to leave out. Finite, 0 <= f <= n. */
export interface Omission {
  readonly n: number;
  readonly f: number;
  /** By row: what leaving it out alone gains. */
  readonly gains: Float64Array;
  /** n x n, symmetric: what leaving out both of a pair costs, once per pair. */
  readonly costs: Float64Array;
}

export interface Relaxation {
  /** No choice gains more, up to rounding. */
  readonly most: number;
  /** The q that proves it, n of them. */
  readonly potentials: Float64Array;
  /** What the best choice met on the way gains. */
  readonly reached: number;
}

const MOST_STEPS = 40;
/** n^2 per step: five steps for n = 1,000, some tenths of a second. */
const ENTRIES = 5e6;
const SHORTENED = 0.7;

/** Time O(n^2 log n) per step, memory O(n). `start`: the first q. */
export function relax(omission: Omission, start: Float64Array): Relaxation {
  let potentials: Float64Array = start;
  let stride = 1;
  let best: Relaxation = { most: Infinity, potentials, reached: -Infinity };
  for (let steps = stepsFor(omission.n); steps > 0; steps--) {
    const { most, rows } = boundAt(omission, potentials);
    const reached = Math.max(best.reached, gainOf(omission, rows));
    if (most >= best.most) stride *= SHORTENED;
    best = most < best.most ? { most, potentials, reached } : { ...best, reached };
    const slope = slopeAt(omission, potentials, rows);
    const length = (stride * (most - reached)) / sumOf(slope.map((value) => value * value));
    // Nothing left to gain, or flat.
    if (!(length > 0 && length < Infinity)) break;
    potentials = potentials.map((potential, row) => potential - length * (slope[row] ?? NaN));
  }
  return best;
}

/** Ascending: costs[row][j] - q_row - q_j over the n - 1 others. */
export function ascendingCosts({ n, costs }: Omission, potentials: Float64Array, row: number): Float64Array {
  const own = potentials[row] ?? NaN;
  const reduced = potentials.map((potential, j) => (costs[row * n + j] ?? NaN) - own - potential);
  reduced[row] = Infinity;
  return reduced.sort().subarray(0, n - 1);
}

const stepsFor = (n: number): number => Math.max(1, Math.min(MOST_STEPS, Math.floor(ENTRIES / (n * n))));

function boundAt(omission: Omission, potentials: Float64Array): { most: number; rows: readonly number[] } {
  const { f, gains } = omission;
  const figures = gains.map((gain, row) => {
    const least = ascendingCosts(omission, potentials, row).subarray(0, f - 1);
    return gain - (f - 1) * (potentials[row] ?? NaN) - sumOf(least) / 2;
  });
  const rows = [...figures.keys()].sort((a, b) => (figures[b] ?? NaN) - (figures[a] ?? NaN)).slice(0, f);
  return { most: rows.reduce((sum, row) => sum + (figures[row] ?? NaN), 0), rows };
}

function gainOf({ n, gains, costs }: Omission, rows: readonly number[]): number {
  return rows.reduce((sum, row, nth) => {
    const pairs = rows.slice(0, nth).reduce((cost, other) => cost + (costs[row * n + other] ?? NaN), 0);
    return sum + (gains[row] ?? NaN) - pairs;
  }, 0);
}

/** A subgradient of the bound, as a function of q: each figure that counts, its own term and its partners'. */
function slopeAt(omission: Omission, potentials: Float64Array, rows: readonly number[]): Float64Array {
  const { n, f, costs } = omission;
  const slope = new Float64Array(n);
  for (const row of rows) {
    slope[row] = (slope[row] ?? NaN) - (f - 1) / 2;
    const reach = ascendingCosts(omission, potentials, row)[f - 2] ?? -Infinity;
    const own = potentials[row] ?? NaN;
    // Ties may let in a partner too many: only the direction suffers, every q is as good a proof.
    for (const [j, potential] of potentials.entries())
      if (j !== row && (costs[row * n + j] ?? NaN) - own - potential <= reach) slope[j] = (slope[j] ?? NaN) + 1 / 2;
  }
  return slope;
}
