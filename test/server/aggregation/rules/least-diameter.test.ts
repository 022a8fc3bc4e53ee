import { describe, expect, it } from 'vitest';
import type { Distances } from '../../../../server/aggregation/cohort.ts';
import { leastDiameter } from '../../../../server/aggregation/rules/least-diameter.ts';
import { type RandomSource, seededRandomSource, uniformInteger } from '../../../../shared/random-source.ts';
import { fc } from '../../../support/properties.ts';

/** Of each pair of n rows once; symmetric, 0 on the diagonal. */
function distancesOf(n: number, lengthOf: (a: number, b: number) => number): Distances {
  const squared = new Float64Array(n * n);
  for (let a = 0; a < n; a++) for (let b = 0; b < a; b++) squared[a * n + b] = squared[b * n + a] = lengthOf(a, b);
  return { n, squared, relativeError: 0 };
}

/** In lexicographic order. */
function subsetsOf(rows: readonly number[], size: number): readonly (readonly number[])[] {
  if (size === 0) return [[]];
  return rows.flatMap((row, at) => subsetsOf(rows.slice(at + 1), size - 1).map((rest) => [row, ...rest]));
}

function byAllSubsets({ n, squared }: Distances, f: number): readonly number[] {
  const subsets = subsetsOf(
    Array.from({ length: n }, (_, row) => row),
    n - f,
  );
  const diameters = subsets.map((rows) => Math.max(...rows.flatMap((a) => rows.map((b) => squared[a * n + b] ?? NaN))));
  return subsets[diameters.indexOf(Math.min(...diameters))] ?? [];
}

/** n = 2f + 1 .. 2f + 3, and lengths of few levels, so that subsets tie. */
const drawn = fc.record({
  f: fc.integer({ min: 1, max: 4 }),
  spare: fc.nat({ max: 2 }),
  levels: fc.integer({ min: 2, max: 12 }),
  seed: fc.nat(),
});

const levelled = (random: RandomSource, levels: number): number =>
  1.2 ** uniformInteger(random, levels) * (1 + uniformInteger(random, 2) / 100);

describe('the least diameter', () => {
  it('is that of a look at all subsets, and of those the first', () => {
    fc.assert(
      fc.property(drawn, ({ f, spare, levels, seed }) => {
        const random = seededRandomSource(0, 'lengths', seed);
        const distances = distancesOf(2 * f + 1 + spare, () => uniformInteger(random, levels));
        expect(leastDiameter(distances, f).outcome).toEqual(byAllSubsets(distances, f));
      }),
      { numRuns: 600, seed: 3 },
    );
  });

  it('lets the row with the most conflicts stay where all that it conflicts with go', () => {
    const conflicts: readonly (readonly number[])[] = [[1, 2, 3], [], [], [], [], [2, 3, 4], [1, 4], [1, 2], [3, 4]];
    const distances = distancesOf(9, (a, b) => (conflicts[a]?.includes(b) || conflicts[b]?.includes(a) ? 2 : 1));
    expect(leastDiameter(distances, 4).outcome).toEqual([0, 5, 6, 7, 8]);
  });

  it('has a margin beyond which no error of the lengths changes the rows', () => {
    // Levels are a fifth apart, and within one there are steps of 1 %: errors of 3 % pass these and never a level.
    const [relativeError, certain] = [0.03, 2 * 0.03 * 1.03];
    const counts = { wide: 0, narrow: 0, changed: 0 };
    fc.assert(
      fc.property(drawn, ({ f, spare, levels, seed }) => {
        const random = seededRandomSource(0, 'lengths', seed);
        const exact = distancesOf(2 * f + 1 + spare, () => levelled(random, 3 * levels));
        const off = () => 1 + relativeError * (2 * random.uniform() - 1);
        const blurred = distancesOf(exact.n, (a, b) => (exact.squared[a * exact.n + b] ?? NaN) * off());
        const [truth, { outcome, margin }] = [leastDiameter(exact, f).outcome, leastDiameter(blurred, f)];
        if (margin > certain) expect(outcome).toEqual(truth);
        counts[margin > certain ? 'wide' : 'narrow']++;
        if (outcome.join() !== truth.join()) counts.changed++;
      }),
      { numRuns: 1500, seed: 5 },
    );
    expect(Math.min(counts.wide, counts.narrow, counts.changed)).toBeGreaterThan(100);
  });
});
