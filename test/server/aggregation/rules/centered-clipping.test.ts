import { describe, expect, it } from 'vitest';
import { centeredClippingDeclared } from '../../../../server/aggregation/rules/centered-clipping.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { aggregateOf, anyValue, codeOf, cohortCase, exactly, ruleOf } from '../../../support/rule-cases.ts';
import { V } from '../../../support/published-cohorts.ts';
import { squaredDistance } from './robustness-ratio.ts';
import { near } from './near.ts';
import { fc } from '../../../support/properties.ts';

const clipping = (options: object = {}) => ruleOf(centeredClippingDeclared, options);
const norm = (values: ArrayLike<number>): number =>
  Math.sqrt(
    squaredDistance(
      values,
      Array.from(values, () => 0),
    ),
  );
const leastOf = (f: number): number => 2 * f + 1;

describe('centered clipping', () => {
  it.each([
    { of: 'ByzFL, tau 100', tau: 100, iterations: 1, expected: [4, 5, 6] },
    { of: 'tau 1 after one step', tau: 1, iterations: 1, expected: [0.408558, 0.559564, 0.71057] },
    { of: 'tau 1 after three', tau: 1, iterations: 3, expected: [1.168745, 1.65948, 2.150216] },
  ])('from zero is that of $of', async ({ tau, iterations, expected }) => {
    const { values } = await aggregateOf(clipping({ tau, iterations }), V, 1);
    expect([...values]).toEqual(near(expected, 5));
  });

  it('takes tau 10 and three steps unless told otherwise', async () => {
    const [plain, told] = [clipping(), clipping({ tau: 10, iterations: 3 })];
    expect(plain.variant).toBe(told.variant);
    const far = [...V, [50, 60, 70]];
    expect(exactly(await aggregateOf(plain, far, 1))).toEqual(exactly(await aggregateOf(told, far, 1)));
    expect(exactly(await aggregateOf(plain, far, 1))).not.toEqual(
      exactly(await aggregateOf(clipping({ iterations: 2 }), far, 1)),
    );
  });

  it('starts at the last aggregate, and stays there where all updates are it', async () => {
    const { values, shares } = await aggregateOf(
      clipping({ tau: 1, iterations: 1 }),
      [
        [3, 4],
        [3, 4],
        [3, 104],
      ],
      1,
      { reference: [3, 4] },
    );
    expect([...values]).toEqual(near([3, 4 + 1 / 3]));
    expect([...shares]).toEqual(near([1 / 3, 1 / 3, 0.01 / 3], 9));
    expect(clipping().assumes.reference).toBe('last-aggregate');
  });

  it('gives each update the weight with which it is in the aggregate', () =>
    fc.assert(
      fc.asyncProperty(
        cohortCase(anyValue, leastOf),
        fc.integer({ min: 1, max: 4 }),
        async ({ f, rows }, iterations) => {
          const start = (rows[0] ?? []).map((_, k) => k - 2);
          const { values, shares } = await aggregateOf(clipping({ tau: 5, iterations }), rows, f, { reference: start });
          const left = 1 - shares.reduce((sum, share) => sum + share, 0);
          values.forEach((value, k) => {
            const weighted = rows.reduce(
              (sum, row, i) => sum + (shares[i] ?? NaN) * (row[k] ?? NaN),
              left * (start[k] ?? NaN),
            );
            expect(value).toBeCloseTo(weighted, 4);
          });
          expect(left).toBeGreaterThanOrEqual(-1e-12);
        },
      ),
    ));

  it('moves with the updates and its start, and does not depend on the order of the updates', () =>
    fc.assert(
      fc.asyncProperty(cohortCase(anyValue, leastOf), async ({ f, rows }) => {
        const start = (rows[0] ?? []).map(() => 1);
        const moved = rows.map((row) => row.map((value) => value + 16)).reverse();
        const still = await aggregateOf(clipping(), rows, f, { reference: start });
        const other = await aggregateOf(clipping(), moved, f, { reference: start.map((value) => value + 16) });
        other.values.forEach((value, k) => expect(value).toBeCloseTo((still.values[k] ?? NaN) + 16, 4));
      }),
    ));

  it('moves by at most tau in each step, however far the updates are', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.double({ min: 0.1, max: 9, noNaN: true }),
        async (iterations, tau) => {
          const rows = [
            [3e38, 0],
            [3e38, 1],
            [-1e30, 3e38],
          ];
          const { values } = await aggregateOf(clipping({ tau, iterations }), rows, 1);
          expect(norm(values)).toBeLessThanOrEqual(tau * iterations * (1 + 1e-6));
        },
      ),
      { numRuns: 20 },
    ));

  it('never moves by more than 2 iterations / n of the norm of updates where one is replaced', () =>
    fc.assert(
      fc.asyncProperty(
        cohortCase(anyValue, leastOf),
        fc.integer({ min: 1, max: 3 }),
        async ({ f, rows }, iterations) => {
          const rule = clipping({ tau: 50, iterations });
          const sensitivity = rule.assumes.sensitivityL2(rows.length, f);
          expect(sensitivity === null).toBe(iterations >= rows.length);
          if (sensitivity === null) return;
          const [first = [], ...others] = rows;
          const opposite = first.map((value) => -value);
          const [before, after] = [await aggregateOf(rule, rows, f), await aggregateOf(rule, [opposite, ...others], f)];
          const moved = Math.sqrt(squaredDistance(before.values, after.values));
          expect(moved).toBeLessThanOrEqual(sensitivity * norm(first) * (1 + 1e-6) + 1e-4);
        },
      ),
    ));

  it('refuses fewer than 2f + 1 updates, and options that mean nothing', async () => {
    const cohort = plainCohort(V);
    expect(await codeOf(clipping().aggregate({ cohort, f: 2, seed: null, reference: null }))).toBe('cohort-too-small');
    expect(await codeOf(clipping().aggregate({ cohort, f: 1, seed: null, reference: null }))).toBe('aggregate');
    for (const options of [{ tau: 0 }, { tau: -1 }, { iterations: 0 }, { iterations: 1.5 }, { steps: 3 }])
      expect(centeredClippingDeclared.make(options)).toMatchObject({ refusal: { code: 'bad-option' } });
  });
});
