// The n - f rows that lie closest together: the least largest distance between any two of them, as if all C(n, f) subsets
// were looked at. A diameter t is possible where f rows can go so that no two that stay are further apart than t
// (conflict-graph.ts), and t is one of the n (n-1) / 2 distances: found by bisection. All distances are squared.

import type { Distances } from '../cohort.ts';
import { type Decision, relativeGap } from '../decide.ts';
import { conflictsBeyond, firstKept, isCovered, without } from './conflict-graph.ts';

/** Rows ascending; of several subsets of that diameter the lexicographically least. n >= 2f + 1. */
export function leastDiameter(distances: Distances, f: number): Decision<readonly number[]> {
  if (f === 0) return { outcome: Array.from({ length: distances.n }, (_, row) => row), margin: Infinity };
  const lengths = pairsAscending(distances);
  const conflictsAt = (at: number) => conflictsBeyond(lengths[at] ?? NaN, distances);
  const last = lengths.length - 1;
  const at = firstWhere(0, last, (i) => isCovered(conflictsAt(i), f));
  const outcome = firstKept(conflictsAt(at), f);
  // While its longest pair stays its longest, the outcome gives way only to a subset that lacks an end of that pair or that
  // is lexicographically less; `next` is the least diameter of those. Subsets that hold the pair and come later tie or lose.
  const { ends, length, second } = longestPair(outcome, distances);
  const next = firstWhere(at + 1, last, (i) => {
    const conflicts = conflictsAt(i);
    const lacksAnEnd = ends.some((end) => isCovered(without(conflicts, [end]), f - 1));
    return lacksAnEnd || firstKept(conflicts, f).some((row, k) => row !== outcome[k]);
  });
  return { outcome, margin: Math.min(relativeGap(second, length), relativeGap(length, lengths[next] ?? NaN)) };
}

const pairsAscending = ({ n, squared }: Distances): Float64Array =>
  squared.filter((_, at) => at % n > Math.floor(at / n)).sort();

/** The first index of from .. to that holds; all beyond it do, and `to` always. */
function firstWhere(from: number, to: number, holds: (index: number) => boolean): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

interface LongestPair {
  readonly ends: readonly number[];
  readonly length: number;
  /** The length of the longest other pair; 0 where there is none. */
  readonly second: number;
}

function longestPair(rows: readonly number[], { n, squared }: Distances): LongestPair {
  let longest: LongestPair = { ends: [], length: -1, second: 0 };
  for (const [k, a] of rows.entries()) {
    for (const b of rows.slice(0, k)) {
      const length = squared[a * n + b] ?? NaN;
      if (length > longest.length) longest = { ends: [a, b], length, second: Math.max(0, longest.length) };
      else if (length > longest.second) longest = { ...longest, second: length };
    }
  }
  return longest;
}
