// Which rows are too far apart to stay together, and whether f of them can go so that no two such are left: a vertex cover
// of f. Decided by branching on the row with the most conflicts: it goes, or all that it conflicts with go. Below three
// conflicts there is nothing to branch on, so that T(f) = T(f-1) + T(f-3), about 1.47^f, branches are the most, at any n.

import type { Distances } from '../cohort.ts';

export interface Conflicts {
  /** By row: all that it conflicts with. */
  readonly of: readonly (readonly number[])[];
  /** By row: how many of them are not gone; GONE for a row that is. */
  readonly counts: Int32Array;
}

const GONE = -1;

/** Two rows conflict where their squared distance is more than `longest`. */
export function conflictsBeyond(longest: number, { n, squared }: Distances): Conflicts {
  const of = Array.from({ length: n }, (_, row) => {
    const beyond: number[] = [];
    for (let other = 0; other < n; other++) if ((squared[row * n + other] ?? NaN) > longest) beyond.push(other);
    return beyond;
  });
  return { of, counts: Int32Array.from(of, (rows) => rows.length) };
}

/** Whether no conflict is left once some `budget` rows are gone. */
export function isCovered(conflicts: Conflicts, budget: number): boolean {
  if (budget < 0) return false;
  const { counts } = conflicts;
  const ends = counts.reduce((sum, count) => sum + Math.max(0, count), 0);
  if (ends === 0) return true;
  const most = counts.reduce((best, count) => Math.max(best, count), 0);
  if (ends > 2 * budget * most) return false;
  const single = counts.indexOf(1);
  // Whatever covers a row's only conflict, its partner covers no less.
  if (single >= 0) return isCovered(without(conflicts, rivalsOf(conflicts, single)), budget - 1);
  const row = counts.indexOf(most);
  const rivals = rivalsOf(conflicts, row);
  if (isCovered(without(conflicts, [row]), budget - 1)) return true;
  // With two conflicts each the rows lie in rings, and any row is in some least cover of its ring.
  return most > 2 && isCovered(without(conflicts, rivals), budget - rivals.length);
}

/** The lexicographically least n - f rows without a conflict among them. `conflicts` are covered by f. */
export function firstKept(conflicts: Conflicts, f: number): readonly number[] {
  const kept: number[] = [];
  let [left, budget] = [conflicts, f];
  for (const row of conflicts.counts.keys()) {
    if (left.counts[row] === GONE) continue;
    const rivals = rivalsOf(left, row);
    const alone = without(left, rivals);
    const stays = rivals.length === 0 || isCovered(alone, budget - rivals.length);
    if (stays) kept.push(row);
    left = stays ? alone : without(left, [row]);
    budget -= stays ? rivals.length : 1;
  }
  return kept.slice(0, conflicts.counts.length - f);
}

const rivalsOf = ({ of, counts }: Conflicts, row: number): readonly number[] =>
  (of[row] ?? []).filter((other) => counts[other] !== GONE);

/** `rows` gone, none of which is gone yet. */
export function without({ of, counts }: Conflicts, rows: readonly number[]): Conflicts {
  const left = counts.slice();
  for (const row of rows) {
    left[row] = GONE;
    for (const other of of[row] ?? []) if (left[other] !== GONE) left[other] = (left[other] ?? NaN) - 1;
  }
  return { of, counts: left };
}
