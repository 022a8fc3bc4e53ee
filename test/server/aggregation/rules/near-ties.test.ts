// What the rules select over distances that carry an error is what they select over the exact ones.

import { describe, expect, it } from 'vitest';
import type { Cohort, Distances } from '../../../../server/aggregation/cohort.ts';
import type { AggregationRule } from '../../../../server/aggregation/rule.ts';
import { bulyanDeclared } from '../../../../server/aggregation/rules/bulyan.ts';
import { krumDeclared } from '../../../../server/aggregation/rules/krum.ts';
import { mdaDeclared } from '../../../../server/aggregation/rules/mda.ts';
import { multiKrumDeclared } from '../../../../server/aggregation/rules/multi-krum.ts';
import { seededRandomSource } from '../../../../shared/random-source.ts';
import { accepted } from '../../../../shared/protocol/refusals.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { cohortCase, gridValue, normalRows, type Rows, ruleOf } from '../../../support/rule-cases.ts';
import { fc } from '../../../support/properties.ts';

interface Blurred {
  readonly cohort: Cohort;
  /** How often exact distances were asked for. */
  asked(): number;
}

/** Every distance off by what `blur` gives for its two rows, at most `relativeError` of it. */
function blurred(rows: Rows, relativeError: number, blur: (a: number, b: number) => number): Blurred {
  const plain = plainCohort(rows);
  let asked = 0;
  const squaredDistances = async (): Promise<Distances> => {
    const { n, squared } = await plain.squaredDistances();
    const off = (at: number) => 1 + blur(Math.floor(at / n), at % n);
    return { n, squared: squared.map((distance, at) => distance * off(at)), relativeError };
  };
  const exactSquaredDistances = (): Promise<Distances> => {
    asked++;
    return plain.squaredDistances();
  };
  return { cohort: { ...plain, squaredDistances, exactSquaredDistances }, asked: () => asked };
}

async function selectedOf(rule: AggregationRule, cohort: Cohort, f: number) {
  return accepted(await rule.aggregate({ cohort, f, seed: null, reference: null })).selected;
}

const rules = [
  { title: 'krum', rule: ruleOf(krumDeclared) },
  { title: 'krum, d4', rule: ruleOf(krumDeclared, { variant: 'd4' }) },
  { title: 'krum, unsquared', rule: ruleOf(krumDeclared, { variant: 'unsquared' }) },
  { title: 'multi-krum', rule: ruleOf(multiKrumDeclared) },
  { title: 'bulyan', rule: ruleOf(bulyanDeclared) },
  { title: 'mda', rule: ruleOf(mdaDeclared) },
];

describe.each(rules)('$title', ({ rule }) => {
  it('selects over blurred distances what it selects over exact ones, and seldom needs those', async () => {
    const cases = fc.record({
      cohort: cohortCase(fc.oneof(gridValue, fc.integer({ min: -100, max: 100 })), (f) => rule.minimumCohort(f)),
      relativeError: fc.constantFrom(0.1, 0.03, 0.01, 0.001),
      seed: fc.nat(),
    });
    const counts = { decided: 0, again: 0 };
    await fc.assert(
      fc.asyncProperty(cases, async ({ cohort: { f, rows }, relativeError, seed }) => {
        const blur = (a: number, b: number) => {
          const pair = seededRandomSource(0, 'blur', seed, Math.min(a, b), Math.max(a, b));
          return relativeError * (pair.uniform() < 0.5 ? -1 : 1);
        };
        const { cohort, asked } = blurred(rows, relativeError, blur);
        expect(await selectedOf(rule, cohort, f)).toEqual(await selectedOf(rule, plainCohort(rows), f));
        if (asked() > 0) counts.again++;
        else counts.decided++;
      }),
      { numRuns: 150, seed: 1 },
    );
    expect(counts.decided).toBeGreaterThan(15);
    expect(counts.again).toBeGreaterThan(15);
  });

  it('asks for no exact distances where nothing is close', async () => {
    for (const f of [0, 1, 2])
      for (let seed = 0; seed < 5; seed++) {
        const rows = normalRows(rule.minimumCohort(f) + 4, 4, seed);
        const { cohort, asked } = blurred(rows, 1e-9, () => 1e-9);
        await selectedOf(rule, cohort, f);
        expect(asked()).toBe(0);
      }
  });

  it('decides exact ties over exact distances, for the lower rows', async () => {
    const twins = Array.from({ length: rule.minimumCohort(1) }, (_, row) => [row < 3 ? 0 : 4, 1]);
    const { cohort, asked } = blurred(twins, 0.01, (a, b) => -0.01 * Math.min(1, a * b));
    expect(await selectedOf(rule, cohort, 1)).toEqual(await selectedOf(rule, plainCohort(twins), 1));
    expect(asked()).toBe(1);
  });
});

describe('an error that makes another client win', () => {
  // Krum with f = 1. Exact: 2.01 of row 0, 2.11 of row 1. With 5 % more between 0 and 2, less between 1 and 2: 2.063, 2.057.
  const rows = [
    [0, 0],
    [1, 0],
    [0.45, 0.9],
    [9, 9],
    [-9, 9],
  ];
  const blur = (a: number, b: number) => (a + b === 2 && a !== b ? 0.05 : a * b === 2 ? -0.05 : 0);

  it.each([
    { title: 'does not where it is declared', relativeError: 0.05, selected: [0], times: 1 },
    { title: 'does where it is denied', relativeError: 0, selected: [1], times: 0 },
  ])('$title', async ({ relativeError, selected, times }) => {
    const { cohort, asked } = blurred(rows, relativeError, blur);
    expect(await selectedOf(ruleOf(krumDeclared), cohort, 1)).toEqual(selected);
    expect(asked()).toBe(times);
  });
});
