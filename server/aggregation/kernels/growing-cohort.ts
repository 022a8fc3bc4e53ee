// A cohort whose distances are computed while its updates arrive: when the round closes, only the last update's are
// still under way. Each pair's sum is a function of its two rows and the column ranges, so that neither the order of
// arrival nor the rows that are left out at the end show in its bits.

import { InvariantError } from '../../../shared/invariant-error.ts';
import type { Compute } from './compute.ts';
import { addedInOrder, symmetric, tilesSuffice } from './distance-sums.ts';
import type { GrowingCohort } from './kernel.ts';
import { kernelCohort } from './kernel-cohort.ts';
import { once } from './once.ts';
import { type Row, rowOf, sharedCopy } from './rows.ts';

interface Arrival {
  readonly number: number;
  readonly row: Row;
  /** Squared, to the rows that arrived before, by their number. Computed again where that failed. */
  distancesBefore(): Promise<Float64Array>;
}

export function growingCohort(compute: Compute, d: number): GrowingCohort {
  const arrivals = new Map<string, Arrival>();
  const arrived = (name: string): Arrival => {
    const arrival = arrivals.get(name);
    if (!arrival) throw new InvariantError(`${name} was never added to the cohort`);
    return arrival;
  };
  return {
    async add(name, values) {
      if (arrivals.has(name)) throw new InvariantError(`${name} was added to the cohort before`);
      const row = rowOf(sharedCopy(values), d);
      const rows = [...Array.from(arrivals.values(), (earlier) => earlier.row), row];
      const distancesBefore = once(() => distancesOfLast(compute, rows, d));
      arrivals.set(name, { number: arrivals.size, row, distancesBefore });
      await distancesBefore();
    },
    has: (name) => arrivals.has(name),
    async cohort(names) {
      const members = names.map(arrived);
      const parts = { rows: members.map(({ row }) => row), d, mixture: null };
      if (!tilesSuffice({ n: members.length, d })) return kernelCohort(compute, parts);
      return kernelCohort(compute, {
        ...parts,
        known: await squaredAmong(members),
      });
    },
  };
}

async function distancesOfLast(compute: Compute, rows: readonly Row[], d: number): Promise<Float64Array> {
  if (rows.length < 2) return new Float64Array();
  const inColumns = () => ({ kind: 'distances-of-last' }) as const;
  return addedInOrder(
    await compute({
      rows,
      d,
      mixture: null,
      inColumns,
      perColumn: rows.length,
    }),
  );
}

async function squaredAmong(members: readonly Arrival[]): Promise<Float64Array> {
  const before = await Promise.all(members.map(({ distancesBefore }) => distancesBefore()));
  const numbers = members.map(({ number }) => number);
  return symmetric(members.length, (i, j) => {
    const [a, b] = [numbers[i] ?? NaN, numbers[j] ?? NaN];
    return (a > b ? before[i]?.[b] : before[j]?.[a]) ?? NaN;
  });
}
