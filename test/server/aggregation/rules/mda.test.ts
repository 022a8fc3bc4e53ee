import { describe, expect, it } from 'vitest';
import { mdaDeclared } from '../../../../server/aggregation/rules/mda.ts';
import { seededRandomSource, shuffled } from '../../../../shared/random-source.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { aggregateOf, codeOf, cohortCase, gridValue, type Rows, ruleOf } from '../../../support/rule-cases.ts';
import { F4, P7, V } from '../../../support/published-cohorts.ts';
import { fc } from '../../../support/properties.ts';

const mda = ruleOf(mdaDeclared);
const line = (n: number): Rows => Array.from({ length: n }, (_, i) => [i]);

async function mdaOf(rows: Rows, f: number) {
  const { selected, values } = await aggregateOf(mda, rows, f);
  return { selected, values: [...values] };
}
const float32 = (...values: readonly number[]) => values.map(Math.fround);

describe('minimum diameter averaging', () => {
  it('needs n >= 2f + 1', async () => {
    for (const f of [0, 1, 2, 5]) {
      expect(mda.minimumCohort(f)).toBe(2 * f + 1);
      expect((await aggregateOf(mda, line(2 * f + 1), f)).selected).toHaveLength(f + 1);
      if (f > 0) expect(await codeOf(aggregateOf(mda, line(2 * f), f))).toBe('cohort-too-small');
    }
  });

  it('takes the lexicographically least rows of those that lie equally close', async () => {
    expect(await mdaOf(line(7), 2)).toEqual({ selected: [0, 1, 2, 3, 4], values: [2] });
    expect(await mdaOf([[9], [5], [4], [1], [0]], 2)).toMatchObject({ selected: [1, 2, 3] });
    expect(
      await mdaOf(
        Array.from({ length: 9 }, () => [1, 2]),
        3,
      ),
    ).toMatchObject({ selected: [0, 1, 2, 3, 4, 5] });
    // 1, 2 and 3 lie equally far from 0, further from each other.
    const star = [
      [0, 0],
      [10, 0],
      [0, 10],
      [-10, 0],
      [1, 1],
    ];
    expect(await mdaOf(star, 2)).toMatchObject({ selected: [0, 1, 4] });
  });

  it('is the mean of all with f = 0, under no condition', async () => {
    expect(await mdaOf(line(4), 0)).toEqual({ selected: [0, 1, 2, 3], values: [1.5] });
    expect(await mdaOf([[7]], 0)).toEqual({ selected: [0], values: [7] });
    const ratio = (n: number, f: number) => mda.assumes.largestSpread?.ratio(n, f);
    expect([ratio(10, 0), ratio(10, 2)]).toEqual([Infinity, 8 / (Math.sqrt(8) * 2)]);
  });

  it('refuses more liars than it can search for, before a federation starts and in a round, at any n', async () => {
    expect([32, 33].map((f) => mda.minimumCohort(f))).toEqual([65, Infinity]);
    const input = { cohort: plainCohort(line(100)), seed: null, reference: null };
    expect(await mda.aggregate({ ...input, f: 33 })).toMatchObject({
      refusal: { code: 'f-too-large', expected: expect.stringContaining('f <= 32'), found: '33' },
    });
  });

  it('finds the least diameter where there are too many subsets to look at each', async () => {
    // One of each pair of opposite points, and the middle: of 64 points 32 in a row, 31 steps apart at most.
    const angles = Array.from({ length: 64 }, (_, i) => (Math.PI * i) / 32);
    const rows = [...angles.map((angle) => [100 * Math.cos(angle), 100 * Math.sin(angle)]), [0, 0]];
    const { selected } = await mdaOf(rows, 32);
    expect(selected).toHaveLength(33);
    expect(await diameterOf(rows, 32)).toBeCloseTo((200 * Math.sin((31 * Math.PI) / 64)) ** 2, 1);
  });
});

describe('minimum diameter averaging, whatever the order,', () => {
  it('finds the same diameter', async () => {
    await fc.assert(
      fc.asyncProperty(cohortCase(gridValue, mda.minimumCohort), fc.nat(), async ({ f, rows }, seed) => {
        const moved = shuffled(seededRandomSource(0, 'order', seed), rows);
        expect(await diameterOf(moved, f)).toBe(await diameterOf(rows, f));
      }),
    );
  });
});

async function diameterOf(rows: Rows, f: number): Promise<number> {
  const { selected } = await aggregateOf(mda, rows, f);
  const { squared } = await plainCohort(rows)
    .only(selected ?? [])
    .squaredDistances();
  return Math.max(...squared);
}

describe('vectors of the field', () => {
  it('agrees with ByzFL', async () => {
    expect(await mdaOf(V, 1)).toEqual({ selected: [0, 1], values: [2.5, 3.5, 4.5] });
  });

  it('of P7 takes 0, 1, 2, 3 and 6, of F4 all but the second', async () => {
    expect(await mdaOf(P7, 2)).toEqual({ selected: [0, 1, 2, 3, 6], values: float32(3.4, 4.6) });
    expect(await mdaOf(F4, 1)).toEqual({ selected: [0, 2, 3], values: float32(2, 5 / 3, 3) });
  });
});
