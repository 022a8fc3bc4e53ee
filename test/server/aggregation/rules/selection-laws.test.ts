// Laws of the rules that select updates, whatever the rule.

import { describe, expect, it } from 'vitest';
import { bulyanDeclared } from '../../../../server/aggregation/rules/bulyan.ts';
import { cgeDeclared } from '../../../../server/aggregation/rules/cge.ts';
import { krumDeclared } from '../../../../server/aggregation/rules/krum.ts';
import { mdaDeclared } from '../../../../server/aggregation/rules/mda.ts';
import { multiKrumDeclared } from '../../../../server/aggregation/rules/multi-krum.ts';
import { seededRandomSource, shuffled } from '../../../../shared/random-source.ts';
import {
  aggregateOf,
  anyValue,
  bitsOf,
  codeOf,
  cohortCase,
  type CohortCase,
  gridValue,
  normalRows,
  ruleOf,
} from '../../../support/rule-cases.ts';
import { fc } from '../../../support/properties.ts';

const runs = { numRuns: 40 };
/**
 * `power` of the updates' scale is what the scores grow with. From `untied` liars on, updates in general position do not
 * tie: two that are each other's only neighbour always do, and subsets share a diameter wherever the rest is closer.
 */
const rules = [
  { title: 'krum', rule: ruleOf(krumDeclared), power: 2, untied: 1 },
  { title: 'krum, d4', rule: ruleOf(krumDeclared, { variant: 'd4' }), power: 4, untied: 1 },
  { title: 'krum, unsquared', rule: ruleOf(krumDeclared, { variant: 'unsquared' }), power: 1, untied: 1 },
  { title: 'multi-krum', rule: ruleOf(multiKrumDeclared), power: 2, untied: 1 },
  { title: 'multi-krum, m = 3', rule: ruleOf(multiKrumDeclared, { m: 3 }), power: 2, untied: 1 },
  { title: 'bulyan', rule: ruleOf(bulyanDeclared), power: 2, untied: 3 },
  { title: 'mda', rule: ruleOf(mdaDeclared), power: 2, untied: Infinity },
  { title: 'cge', rule: ruleOf(cgeDeclared), power: 1, untied: 0 },
];

/** Scaled and squared twice without underflow. */
const scalable = anyValue.map((value) => (Math.abs(value) > 1e-20 ? value : 0));
describe.each(rules)('$title', ({ rule, power, untied }) => {
  const casesOf = (value: fc.Arbitrary<number>): fc.Arbitrary<CohortCase> =>
    cohortCase(value, (f) => rule.minimumCohort(f));

  if (untied < Infinity)
    it('says the same of every update, wherever it stands', async () => {
      const sizes = fc.record({ f: fc.integer({ min: 0, max: 2 }), spare: fc.nat({ max: 4 }), seed: fc.nat() });
      await fc.assert(
        fc.asyncProperty(sizes, async ({ f: more, spare, seed }) => {
          const f = untied + more;
          const rows = normalRows(rule.minimumCohort(f) + spare, 3, seed);
          const order = shuffled(seededRandomSource(0, 'order', seed), [...rows.keys()]);
          const moved = order.map((row) => rows[row] ?? []);
          const [before, after] = [await aggregateOf(rule, rows, f), await aggregateOf(rule, moved, f)];
          expect(new Set(after.selected?.map((at) => order[at]))).toEqual(new Set(before.selected));
          order.forEach((row, at) => {
            expect(after.shares[at]).toBeCloseTo(before.shares[row] ?? NaN, 12);
            expect(after.scores?.[at]).toBeCloseTo(before.scores?.[row] ?? NaN, 9);
          });
          after.values.forEach((value, k) => expect(value).toBeCloseTo(before.values[k] ?? NaN, 5));
        }),
        runs,
      );
    });

  // CGE goes by norms, which have an origin.
  if (rule.name !== 'cge')
    it('moves with the updates when all are shifted', async () => {
      const shifts = fc.array(gridValue, { minLength: 6, maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(casesOf(gridValue), shifts, async ({ f, rows }, shift) => {
          const before = await aggregateOf(rule, rows, f);
          const moved = rows.map((row) => row.map((value, k) => value + (shift[k] ?? 0)));
          const after = await aggregateOf(rule, moved, f);
          expect(after.selected).toEqual(before.selected);
          expect(after.scores).toEqual(before.scores);
          after.values.forEach((value, k) => expect(value).toBeCloseTo((before.values[k] ?? NaN) + (shift[k] ?? 0), 5));
        }),
        runs,
      );
    });

  it('scales with the updates, its scores with their power of the scale', async () => {
    await fc.assert(
      fc.asyncProperty(casesOf(scalable), fc.integer({ min: -6, max: 6 }), async ({ f, rows }, exponent) => {
        const scale = 2 ** exponent;
        const before = await aggregateOf(rule, rows, f);
        const scaled = rows.map((row) => row.map((value) => value * scale));
        const after = await aggregateOf(rule, scaled, f);
        expect(after.selected).toEqual(before.selected);
        expect(bitsOf(after.values)).toEqual(bitsOf(before.values.map((value) => value * scale)));
        expect(after.scores).toEqual(before.scores && before.scores.map((score) => score * scale ** power));
      }),
      runs,
    );
  });

  it('never lets one of f far liars in, however they sit', async () => {
    // Honest within 1 by coordinate; a far liar is at least 99 away from each of them, and has 2 among any neighbours.
    const liar = fc.record({
      sign: fc.constantFrom(-1, 1),
      distance: fc.integer({ min: 100, max: 10_000 }),
      twin: fc.boolean(),
    });
    const attacked = casesOf(fc.float({ min: -1, max: 1, noNaN: true })).chain((cohort) =>
      fc.record({ cohort: fc.constant(cohort), liars: fc.array(liar, { minLength: cohort.f, maxLength: cohort.f }) }),
    );
    await fc.assert(
      fc.asyncProperty(attacked, async ({ cohort: { f, rows }, liars }) => {
        // Liars are the lowest rows: no tie may save the honest.
        const lies = liars.map(({ sign, distance, twin }) => (rows[0] ?? []).map(() => (twin ? 500 : sign * distance)));
        const { values, shares } = await aggregateOf(rule, [...lies, ...rows.slice(f)], f);
        expect([...shares.subarray(0, f)]).toEqual(lies.map(() => 0));
        values.forEach((value) => expect(Math.abs(value)).toBeLessThanOrEqual(1));
      }),
      runs,
    );
  });

  it('takes the largest values there are without an overflow', async () => {
    const largest = 2 ** 127 * (2 - 2 ** -23);
    for (const f of [0, 1, 2]) {
      const honest = Array.from({ length: rule.minimumCohort(f) - f }, (_, i) => [largest / 2, (1 + i) * 1e30]);
      const lies = Array.from({ length: f }, () => [-largest, largest]);
      const { values, scores, shares } = await aggregateOf(rule, [...lies, ...honest], f);
      expect([...shares.subarray(0, f)]).toEqual(lies.map(() => 0));
      expect([...values].every(Number.isFinite)).toBe(true);
      expect([...(scores ?? [])].every(Number.isFinite)).toBe(true);
    }
  });

  // Bulyan averages by coordinate what it selected.
  if (rule.name !== 'bulyan')
    it('averages what it says it selected, each with the same weight', async () => {
      await fc.assert(
        fc.asyncProperty(casesOf(gridValue), async ({ f, rows }) => {
          const { selected, values, shares, m } = await aggregateOf(rule, rows, f);
          const chosen = rows.filter((_, row) => selected?.includes(row));
          expect(chosen.length).toBe(m);
          const means = values.map((_, k) => chosen.reduce((sum, row) => sum + (row[k] ?? NaN), 0) / chosen.length);
          expect([...values]).toEqual([...means]);
          expect([...shares]).toEqual(rows.map((_, row) => (selected?.includes(row) ? 1 / chosen.length : 0)));
        }),
        runs,
      );
    });

  it('refuses a cohort below its minimum and takes one at it', async () => {
    for (const f of [1, 2, 5]) {
      const rows = Array.from({ length: rule.minimumCohort(f) }, (_, i) => [i, -i]);
      expect(await codeOf(aggregateOf(rule, rows, f))).toBe('aggregate');
      expect(await codeOf(aggregateOf(rule, rows.slice(1), f))).toBe('cohort-too-small');
    }
  });
});
