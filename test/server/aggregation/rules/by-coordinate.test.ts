import { describe, expect, it } from 'vitest';
import { meamedDeclared } from '../../../../server/aggregation/rules/meamed.ts';
import { medianDeclared } from '../../../../server/aggregation/rules/median.ts';
import { trimmedMeanDeclared } from '../../../../server/aggregation/rules/trimmed-mean.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { aggregateOf, anyValue, codeOf, cohortCase, gridValue, ruleOf } from '../../../support/rule-cases.ts';
import { fewRows, squaredDistance, worstRatio } from './robustness-ratio.ts';
import { fc } from '../../../support/properties.ts';

const rules = [medianDeclared, trimmedMeanDeclared, meamedDeclared].map((declared) => ruleOf(declared));
const withBounds = rules.filter(({ assumes }) => assumes.robustness !== null);
const leastOf = (f: number): number => 2 * f + 1;
/** Without the sign of zero, which sorting does not settle. */
const numbersOf = (values: Float32Array): readonly number[] => Array.from(values, (value) => value + 0);

describe.each(rules.map((rule) => ({ name: rule.name, rule })))('the $name', ({ rule }) => {
  it('refuses fewer than 2f + 1 updates, and takes as many', async () => {
    for (const f of [0, 1, 2, 5]) {
      expect(rule.minimumCohort(f)).toBe(2 * f + 1);
      const rows = Array.from({ length: 2 * f + 1 }, (_, i) => [i]);
      const [enough, tooFew] = [plainCohort(rows), plainCohort(rows.slice(1))];
      expect(await codeOf(rule.aggregate({ cohort: enough, f, seed: null, reference: null }))).toBe('aggregate');
      expect(await codeOf(rule.aggregate({ cohort: tooFew, f, seed: null, reference: null }))).toBe('cohort-too-small');
    }
  });

  it('does not depend on the order of the updates, and shares go with them', () =>
    fc.assert(
      fc.asyncProperty(cohortCase(anyValue, leastOf), async ({ f, rows }) => {
        const [forth, back] = [await aggregateOf(rule, rows, f), await aggregateOf(rule, [...rows].reverse(), f)];
        expect(numbersOf(back.values)).toEqual(numbersOf(forth.values));
        expect([...back.shares].reverse()).toEqual([...forth.shares]);
      }),
    ));

  it('moves with the updates, and scales with them', () =>
    fc.assert(
      fc.asyncProperty(cohortCase(gridValue, leastOf), gridValue, async ({ f, rows }, by) => {
        const moved = rows.map((row) => row.map((value) => 4 * value + by));
        const [still, other] = [await aggregateOf(rule, rows, f), await aggregateOf(rule, moved, f)];
        other.values.forEach((value, k) => expect(value).toBeCloseTo(4 * (still.values[k] ?? NaN) + by, 4));
      }),
    ));

  it('stays among the honest values in every coordinate, however far f liars are', () =>
    fc.assert(
      fc.asyncProperty(cohortCase(anyValue, leastOf), fc.constantFrom(-3e38, 3e38), async ({ f, rows }, far) => {
        const honest = rows.slice(f);
        const { values, shares } = await aggregateOf(
          rule,
          [...honest, ...rows.slice(0, f).map((row) => row.map(() => far))],
          f,
        );
        values.forEach((value, k) => {
          const column = honest.map((row) => row[k] ?? NaN);
          expect(value).toBeGreaterThanOrEqual(Math.min(...column));
          expect(value).toBeLessThanOrEqual(Math.max(...column));
        });
        expect([...shares.subarray(honest.length)].every((share) => share === 0)).toBe(true);
      }),
    ));

  it('never moves by more than its sensitivity where one update is replaced', () =>
    fc.assert(
      fc.asyncProperty(cohortCase(gridValue, leastOf), async ({ f, rows }) => {
        const sensitivity = rule.assumes.sensitivityL2(rows.length, f);
        if (sensitivity === null) return;
        const [first = [], ...others] = rows;
        const norm = Math.sqrt(
          squaredDistance(
            first,
            first.map(() => 0),
          ),
        );
        const opposite = first.map((value) => -value);
        const [before, after] = [await aggregateOf(rule, rows, f), await aggregateOf(rule, [opposite, ...others], f)];
        const moved = Math.sqrt(squaredDistance(before.values, after.values));
        expect(moved).toBeLessThanOrEqual(sensitivity * norm * (1 + 1e-6));
      }),
    ));
});

describe.each(withBounds.map((rule) => ({ name: rule.name, rule })))('kappa of the $name', ({ rule }) => {
  it('holds for every subset of n - f updates', () =>
    fc.assert(
      fc.asyncProperty(fewRows, async ({ f, rows }) => {
        const kappa = rule.assumes.robustness?.kappa(rows.length, f) ?? NaN;
        const { values } = await aggregateOf(rule, rows, f);
        expect(worstRatio(rows, f, values)).toBeLessThanOrEqual(kappa * (1 + 1e-6) + 1e-9);
      }),
    ));

  it.each([
    { n: 3, f: 1 },
    { n: 5, f: 1 },
    { n: 5, f: 2 },
    { n: 7, f: 1 },
    { n: 8, f: 2 },
    { n: 9, f: 3 },
  ])('is reached with n = $n and f = $f, and is at most that of the paper', async ({ n, f }) => {
    const kappa = rule.assumes.robustness?.kappa(n, f) ?? NaN;
    const trim = rule.name === 'median' ? Math.floor((n - 1) / 2) : f;
    // `trim` honest updates at -1, the other honest at 1, the liars beyond.
    const rows = Array.from({ length: n }, (_, i) => [i < trim ? -1 : i < n - f ? 1 : 5]);
    const { values } = await aggregateOf(rule, rows, f);
    expect(worstRatio(rows, f, values)).toBeCloseTo(kappa, 6);
    const r = f / (n - 2 * f);
    expect(kappa).toBeLessThanOrEqual(rule.name === 'median' ? 4 * (1 + r) ** 2 : 6 * r * (1 + r));
    expect(kappa).toBeGreaterThanOrEqual(r); // no rule has less
  });
});
