// Which f of n rows to leave out, exactly: depth first over the choices, where a branch is cut once the relaxation of
// what is left to choose in it (subset-relaxation.ts, with the potentials of the whole) is no better than what is known.
// The work is counted in figures looked at and never in time: what is exact on one machine is exact on all.

import { ascendingCosts, type Omission, type Relaxation } from './subset-relaxation.ts';

/** Some tenths of a second. Without a single cut C(n, f) = 200,000 choices take no more. */
const FIGURES = 2e7;

/** The most that leaving f rows out gains, up to rounding; null where looking for it would take more than `FIGURES`. */
export function search(omission: Omission, { potentials, reached }: Relaxation): number | null {
  const { n, f } = omission;
  if (f === 0) return reached;
  const { gains, costs, atLeast } = promisingFirst(omission, potentials);
  // By rows left out so far: what each row after them still gains.
  const gainsAfter = Array.from({ length: f }, (_, out) => (out === 0 ? gains : new Float64Array(n)));
  const largest = new Float64Array(f);
  let [best, figures] = [reached, 0];

  /** Once `row` is out too: the most that `wanted` of the rows after it can gain. Fills `gainsAfter`. */
  function hopeAfter(row: number, wanted: number): number {
    const [before = gains, after = gains, least = gains] = [
      gainsAfter[f - wanted - 1],
      gainsAfter[f - wanted],
      atLeast[wanted - 1],
    ];
    largest.fill(-Infinity, 0, wanted);
    for (let j = row + 1; j < n; j++) {
      const gain = (before[j] ?? NaN) - (costs[row * n + j] ?? NaN);
      after[j] = gain;
      keepLargest(largest, wanted, gain - (least[j] ?? NaN));
    }
    let hope = 0;
    for (let place = 0; place < wanted; place++) hope += largest[place] ?? NaN;
    return hope;
  }

  /** Tries every choice of `wanted` rows from `start` on, beside those out already, which gained `gained`. */
  function choose(start: number, wanted: number, gained: number): void {
    const own = gainsAfter[f - wanted] ?? gains;
    for (let row = start; row <= n - wanted && figures <= FIGURES; row++) {
      const gain = gained + (own[row] ?? NaN);
      figures += wanted === 1 ? 1 : n - row;
      if (wanted === 1) best = Math.max(best, gain);
      else if (gain + hopeAfter(row, wanted - 1) > best) choose(row + 1, wanted - 1, gain);
    }
  }

  choose(0, f, 0);
  return figures <= FIGURES ? best : null;
}

/** Of `count` figures in descending order the least gives way to a larger `figure`. */
function keepLargest(largest: Float64Array, count: number, figure: number): void {
  let place = count - 1;
  if (figure <= (largest[place] ?? NaN)) return;
  for (; place > 0 && (largest[place - 1] ?? NaN) < figure; place--) largest[place] = largest[place - 1] ?? NaN;
  largest[place] = figure;
}

/** The same in another order of the rows, so that good choices come early and the rest is cut. */
function promisingFirst(omission: Omission, potentials: Float64Array) {
  const { n, f, gains, costs } = omission;
  const least = leastCosts(omission, potentials);
  const hope = gains.map((gain, row) => gain - (least[f - 1]?.[row] ?? NaN));
  const order = [...hope.keys()].sort((a, b) => (hope[b] ?? NaN) - (hope[a] ?? NaN));
  const inOrder = (figures: Float64Array): Float64Array => Float64Array.from(order, (row) => figures[row] ?? NaN);
  return {
    gains: inOrder(gains),
    costs: costs.map((_, at) => costs[(order[Math.floor(at / n)] ?? NaN) * n + (order[at % n] ?? NaN)] ?? NaN),
    /** By the number of partners left out with a row: its share of their pairs' costs, at least. */
    atLeast: least.map(inOrder),
  };
}

function leastCosts(omission: Omission, potentials: Float64Array): readonly Float64Array[] {
  const { n, f } = omission;
  const least = Array.from({ length: f }, () => new Float64Array(n));
  for (const [row, potential] of potentials.entries()) {
    const ascending = ascendingCosts(omission, potentials, row);
    let sum = 0;
    for (const [partners, shares] of least.entries()) {
      shares[row] = partners * potential + sum / 2;
      sum += ascending[partners] ?? 0;
    }
  }
  return least;
}
