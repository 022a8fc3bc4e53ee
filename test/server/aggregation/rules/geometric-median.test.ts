import { describe, expect, it } from 'vitest';
import { geometricMedianDeclared } from '../../../../server/aggregation/rules/geometric-median.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { aggregateOf, anyValue, codeOf, cohortCase, exactly, type Rows, ruleOf } from '../../../support/rule-cases.ts';
import { F4, P7, V } from '../../../support/published-cohorts.ts';
import { fewRows, squaredDistance, worstRatio } from './robustness-ratio.ts';
import { near } from './near.ts';
import { fc } from '../../../support/properties.ts';

const medianBy = (options: object = {}) => ruleOf(geometricMedianDeclared, options);
const geometricMedian = medianBy();
const leastOf = (f: number): number => 2 * f + 1;
const sumOfDistances = (rows: Rows, point: ArrayLike<number>): number =>
  rows.reduce((sum, row) => sum + Math.sqrt(squaredDistance(row, point)), 0);
const RFA = { tolerance: 0, maxIterations: 3 };
const BYZFL = { nu: 0.1, tolerance: 0, maxIterations: 3, start: 'zero' };

describe('the geometric median', () => {
  it.each([
    { of: 'F4', rows: F4, f: 1, expected: [1.87752559, 1.96494193, 2.90948873] },
    { of: 'P7', rows: P7, f: 2, expected: [3.58582214, 3.85671696] },
    { of: 'three points on a line', rows: V, f: 1, expected: [4, 5, 6] },
  ])('is the exact one of $of', async ({ rows, f, expected }) => {
    const { values, warnings } = await aggregateOf(geometricMedian, rows, f);
    expect([...values]).toEqual(near(expected));
    expect(warnings).toEqual([]);
  });

  it('is not the one of F4 that peers collapse to, who multiply each step’s weights into the last', async () => {
    expect([...(await aggregateOf(geometricMedian, F4, 1)).values]).not.toEqual(near([1, 2, 3], 1));
  });

  it('stopped after three steps from zero with nu 0.1 is ByzFL’s', async () => {
    const { values } = await aggregateOf(medianBy(BYZFL), V, 1);
    expect([...values]).toEqual(near([3.78788764, 4.78788764, 5.78788764]));
  });

  it('stopped after three steps from the mean is RFA’s', async () => {
    let v = [0, 1].map((k) => P7.reduce((sum, row) => sum + (row[k] ?? NaN), 0) / P7.length);
    for (let step = 0; step < 3; step++) {
      const weights = P7.map((row) => 1 / Math.sqrt(squaredDistance(row, v)));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      v = v.map((_, k) => P7.reduce((sum, row, i) => sum + ((weights[i] ?? NaN) / total) * (row[k] ?? NaN), 0));
    }
    const { values, warnings } = await aggregateOf(medianBy(RFA), P7, 2);
    expect([...values]).toEqual(near(v));
    expect(warnings).toEqual([]);
  });

  it('has no lesser sum of distances anywhere near', () =>
    fc.assert(
      fc.asyncProperty(
        cohortCase(anyValue, leastOf),
        fc.double({ min: -1, max: 1, noNaN: true }),
        async ({ f, rows }, by) => {
          const { values } = await aggregateOf(geometricMedian, rows, f);
          const least = sumOfDistances(rows, values);
          values.forEach((_, k) => {
            const moved = values.map((value, at) => (at === k ? value + by : value));
            expect(sumOfDistances(rows, moved)).toBeGreaterThanOrEqual(least * (1 - 1e-6) - 1e-4);
          });
        },
      ),
    ));

  it('is the weighted mean of the updates that its shares say', () =>
    fc.assert(
      fc.asyncProperty(cohortCase(anyValue, leastOf), async ({ f, rows }) => {
        const { values, shares } = await aggregateOf(geometricMedian, rows, f);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
        values.forEach((value, k) =>
          expect(value).toBeCloseTo(
            rows.reduce((sum, row, i) => sum + (shares[i] ?? NaN) * (row[k] ?? NaN), 0),
            4,
          ),
        );
      }),
    ));

  it('moves, scales and turns with the updates, in whatever order they come', () =>
    fc.assert(
      fc.asyncProperty(cohortCase(anyValue, leastOf), async ({ f, rows }) => {
        const changed = rows.map((row) => row.map((value) => 2 * value + 8).reverse()).reverse();
        const [still, other] = [
          await aggregateOf(geometricMedian, rows, f),
          await aggregateOf(geometricMedian, changed, f),
        ];
        // Of rows that lie almost on a line many points are as good to within rounding: held against the sum of distances.
        const expected = still.values.map((value) => 2 * value + 8).reverse();
        const [a, b] = [sumOfDistances(changed, other.values), sumOfDistances(changed, expected)];
        expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-6 * a + 1e-4);
      }),
    ));

  it('is the place of a majority, exactly', async () => {
    const { values, shares } = await aggregateOf(
      geometricMedian,
      [
        [0.1, 7],
        [0.1, 7],
        [0.1, 7],
        [3e38, -3e38],
        [1, 1],
      ],
      2,
    );
    expect([...values]).toEqual([...Float32Array.from([0.1, 7])]);
    expect([...shares]).toEqual([1 / 3, 1 / 3, 1 / 3, 0, 0]);
  });

  it('is an update where the pull of the others is no more than one, at once', async () => {
    // Of a triangle with an angle above 120 degrees it is that corner, which Weiszfeld's iteration only creeps towards.
    const rule = medianBy({ maxIterations: 1 });
    const { values, warnings } = await aggregateOf(
      rule,
      [
        [0, 0],
        [10, 1],
        [-10, 1],
      ],
      1,
    );
    expect([...values]).toEqual([0, 0]);
    expect(warnings).toEqual([]);
    expect(
      (
        await aggregateOf(
          rule,
          [
            [0, 0],
            [10, 9],
            [-10, 9],
          ],
          1,
        )
      ).warnings,
    ).toHaveLength(1);
  });

  it('is the middle where a whole segment has the least sum', async () => {
    expect([...(await aggregateOf(geometricMedian, [[10], [2], [1], [0]], 1)).values]).toEqual([1.5]);
    const pair = [
      [0, 0],
      [1, 3],
    ];
    expect([...(await aggregateOf(geometricMedian, pair, 0)).values]).toEqual([0.5, 1.5]);
    // The sums of distances of both ends differ in their last bit.
    const onLine = [1, 5, 10, 14, 22, 35, 40, 45].map((t) => [t, 3 * t, 7 * t]);
    expect([...(await aggregateOf(geometricMedian, onLine, 2)).values]).toEqual([18, 54, 126]);
  });

  it('warns where it has not settled', async () => {
    const { warnings } = await aggregateOf(medianBy({ maxIterations: 2 }), P7, 2);
    expect(warnings).toEqual(['the geometric median had not settled after 2 steps']);
  });

  it('settles with liars anywhere up to the ends of float32, and follows their direction alone', async () => {
    const medians = [];
    for (const far of [1e6, 1e9, 1e15, 1e25, 3e38]) {
      const { values, warnings } = await aggregateOf(geometricMedian, [...P7, [far, far], [-far, far]], 2);
      expect(warnings).toEqual([]);
      medians.push([...values]);
    }
    const [first = [], ...others] = medians;
    for (const other of others) expect(other).toEqual(near(first, 4));
  });

  it('tells of liars far out how little they weigh', async () => {
    const { shares, values } = await aggregateOf(geometricMedian, [...P7, [1e30, 1e30], [-1e30, 1e30]], 2);
    for (const share of shares.subarray(7)) {
      expect(share).toBeLessThan(1e-29);
      expect(share).toBeGreaterThan(0);
    }
    expect(Math.max(...values)).toBeLessThan(7);
  });

  it('holds its bound on robustness over every subset, where it is run to and nu is fine', () =>
    fc.assert(
      fc.asyncProperty(fewRows, async ({ f, rows }) => {
        const kappa = geometricMedian.assumes.robustness?.kappa(rows.length, f) ?? NaN;
        const { values } = await aggregateOf(geometricMedian, rows, f);
        expect(worstRatio(rows, f, values)).toBeLessThanOrEqual(kappa * (1 + 1e-4));
      }),
    ));

  it('claims no robustness for what is stopped early or coarsely smoothed', () => {
    for (const options of [RFA, BYZFL, { nu: 0.1 }, { tolerance: 1e-6 }])
      expect(medianBy(options).assumes.robustness).toBeNull();
  });

  it('has the observed worst ratio of P7', async () => {
    expect(worstRatio(P7, 2, (await aggregateOf(geometricMedian, P7, 2)).values)).toBeCloseTo(0.741, 3);
  });

  it('is the same to the last bit each time', async () => {
    expect(exactly(await aggregateOf(geometricMedian, F4, 1))).toEqual(
      exactly(await aggregateOf(geometricMedian, F4, 1)),
    );
  });

  it('refuses fewer than 2f + 1 updates, and options that mean nothing', async () => {
    const cohort = plainCohort(V);
    expect(await codeOf(geometricMedian.aggregate({ cohort, f: 2, seed: null, reference: null }))).toBe(
      'cohort-too-small',
    );
    expect(await codeOf(geometricMedian.aggregate({ cohort, f: 1, seed: null, reference: null }))).toBe('aggregate');
    const wrong = [
      { nu: 0 },
      { tolerance: -1 },
      { maxIterations: 0 },
      { start: 'zero' },
      { start: 'median' },
      { eps: 1 },
    ];
    for (const options of wrong)
      expect(geometricMedianDeclared.make(options)).toMatchObject({ refusal: { code: 'bad-option' } });
  });
});
