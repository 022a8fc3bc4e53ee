import { describe, expect, it } from 'vitest';
import { type PreChoice, preAggregatorOf } from '../../../../server/aggregation/pre/pre-aggregators.ts';
import { withPre } from '../../../../server/aggregation/pre/with-pre.ts';
import type { AggregationRule, RuleInput } from '../../../../server/aggregation/rule.ts';
import { geometricMedianDeclared } from '../../../../server/aggregation/rules/geometric-median.ts';
import { meanDeclared } from '../../../../server/aggregation/rules/mean.ts';
import { medianDeclared } from '../../../../server/aggregation/rules/median.ts';
import { trimmedMeanDeclared } from '../../../../server/aggregation/rules/trimmed-mean.ts';
import { accepted } from '../../../../shared/protocol/refusals.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { aggregateOf, anyValue, codeOf, cohortCase, ruleOf } from '../../../support/rule-cases.ts';
import { P7, V } from '../../../support/published-cohorts.ts';
import { fewRows, worstRatio } from '../rules/robustness-ratio.ts';
import { near } from '../rules/near.ts';
import { fc } from '../../../support/properties.ts';

const behind = (rule: AggregationRule, ...choices: readonly PreChoice[]): AggregationRule =>
  withPre(
    choices.map((choice) => accepted(preAggregatorOf(choice)).made),
    rule,
  );
const mean = ruleOf(meanDeclared);
const median = ruleOf(medianDeclared);
const trimmedMean = ruleOf(trimmedMeanDeclared);
const nnm = { name: 'nnm' };
const arc = { name: 'arc' };
const clip = { name: 'clip', norm: 2 };
const buckets = { name: 'bucketing' };

/** Takes the row of least first value, scores by it, and tells what it was given. */
function firstRule(seen: RuleInput[] = []): AggregationRule {
  return {
    ...mean,
    name: 'first',
    assumes: { ...mean.assumes, draws: true },
    minimumCohort: (f) => f + 3,
    async aggregate(input) {
      seen.push(input);
      const scores = Float64Array.from(await input.cohort.gather(Uint32Array.of(0)), ([value = NaN]) => value);
      const best = scores.indexOf(Math.min(...scores));
      const shares = scores.map((_, row) => (row === best ? 1 : 0));
      const values = await input.cohort.combine({ weights: shares, divisor: 1 });
      return {
        kind: 'aggregate',
        values,
        selected: [best],
        scores,
        shares,
        m: 1,
        neighbours: null,
        warnings: ['seen'],
      };
    },
  };
}

describe('pre-aggregators in front of a rule', () => {
  it('are the rule itself where there are none', () => {
    expect(withPre([], median)).toBe(median);
  });

  it('run from left to right: TrMean(1) of NNM(1) of Clip(2) is that of ByzFL', async () => {
    const { values } = await aggregateOf(behind(trimmedMean, clip, nnm), V, 1);
    expect([...values]).toEqual(near([0.95841302, 1.14416941, 1.3299258]));
    const otherWay = await aggregateOf(behind(trimmedMean, nnm, clip), V, 1);
    expect([...otherWay.values]).not.toEqual(near([0.95841302, 1.14416941, 1.3299258], 3));
  });

  it('mix P7 as derived: trimmed mean and median behind NNM', async () => {
    expect([...(await aggregateOf(behind(trimmedMean, nnm), P7, 2)).values]).toEqual(near([3.0666667, 3.8]));
    expect([...(await aggregateOf(behind(median, nnm), P7, 2)).values]).toEqual(near([3.4, 4.6]));
    expect(worstRatio(P7, 2, (await aggregateOf(behind(trimmedMean, nnm), P7, 2)).values)).toBeCloseTo(0.537, 3);
  });

  it('need as many updates as leave every stage its own least', () => {
    expect(behind(firstRule(), nnm).minimumCohort(2)).toBe(5);
    expect(behind(firstRule(), nnm).minimumCohort(3)).toBe(7);
    expect(behind(firstRule(), { ...buckets, size: 3 }).minimumCohort(2)).toBe(13);
    // Five rows for NNM behind two sizes of buckets: five buckets of at most two, of at most three.
    expect(behind(mean, { ...buckets, size: 2 }, { ...buckets, size: 3 }, nnm).minimumCohort(2)).toBe(25);
    expect(behind(mean, nnm, buckets).minimumCohort(2)).toBe(5);
  });

  it('find that least by bisection, however large a bucket is, and none beyond what can be counted', () => {
    for (const [size, f] of [
      [1, 0],
      [2, 1],
      [5, 2],
      [7, 40],
    ] as const)
      expect(behind(median, { ...buckets, size }).minimumCohort(f)).toBe(2 * f * size + 1);
    expect(behind(median, { ...buckets, size: 1e9 }).minimumCohort(2)).toBe(4e9 + 1);
    expect(behind(median, { ...buckets, size: Number.MAX_SAFE_INTEGER }).minimumCohort(2)).toBe(Infinity);
  });

  it('refuse fewer, before anything is drawn, and take as many', async () => {
    const rule = behind(median, buckets);
    const given = (n: number): RuleInput => ({
      cohort: plainCohort(Array.from({ length: n }, (_, i) => [i])),
      f: 2,
      seed: 'seed',
      reference: null,
    });
    expect(rule.minimumCohort(2)).toBe(9);
    expect(await codeOf(rule.aggregate(given(9)))).toBe('aggregate');
    expect(await codeOf(rule.aggregate({ ...given(8), seed: null }))).toBe('cohort-too-small');
  });

  it('tell of the rows as they were sent: selection and score of their home, shares by weight', async () => {
    const rows = [
      [5, 1],
      [6, 1],
      [3, 1],
      [2, 1],
      [4, 1],
      [9, 1],
    ];
    const { selected, scores, shares, warnings, values } = await aggregateOf(behind(firstRule(), buckets), rows, 0, {
      seed: 's',
    });
    const [one = NaN, other = NaN] = selected ?? [];
    expect(selected).toHaveLength(2);
    expect([...shares]).toEqual(rows.map((_, row) => (row === one || row === other ? 0.5 : 0)));
    expect(values[0]).toBe(((rows[one]?.[0] ?? NaN) + (rows[other]?.[0] ?? NaN)) / 2);
    expect(scores?.[one]).toBe(values[0]);
    expect(scores?.[other]).toBe(values[0]);
    expect([...(scores ?? [])].filter((score) => score === values[0])).toHaveLength(2);
    expect(warnings).toEqual(['seen']);
  });

  it('give shares that are the weights in a weighted mean, through every stage', () =>
    fc.assert(
      fc.asyncProperty(cohortCase(anyValue), async ({ f, rows }) => {
        const rule = behind(ruleOf(geometricMedianDeclared), { name: 'clip-to-median' }, nnm, { ...buckets, size: 1 });
        const { values, shares } = await aggregateOf(rule, rows, f, { seed: 'seed' });
        values.forEach((value, k) =>
          expect(value).toBeCloseTo(
            rows.reduce((sum, row, i) => sum + (shares[i] ?? NaN) * (row[k] ?? NaN), 0),
            3,
          ),
        );
      }),
    ));

  it('scale the share of a clipped update', async () => {
    const { shares } = await aggregateOf(
      behind(mean, clip),
      [
        [0, 1],
        [0, 2],
        [0, 8],
      ],
      0,
    );
    expect([...shares]).toEqual(near([1 / 3, 1 / 3, 1 / 12], 12));
  });

  it('give each stage that draws a seed of its own, and the rule the one given', async () => {
    const seen: RuleInput[] = [];
    const seeds: (string | null)[] = [];
    const spied = [nnm, buckets, buckets].map((choice) => {
      const pre = accepted(preAggregatorOf(choice)).made;
      return {
        ...pre,
        prepare: (input: Parameters<typeof pre.prepare>[0]) => (seeds.push(input.seed), pre.prepare(input)),
      };
    });
    const rows = Array.from({ length: 12 }, (_, i) => [i]);
    await aggregateOf(withPre(spied, firstRule(seen)), rows, 0, { seed: 'round' });
    expect(seeds).toEqual([null, 'round/1', 'round/2']);
    expect(seen.map(({ seed }) => seed)).toEqual(['round']);
  });

  it('hand a refusal on, of a stage or of the rule', async () => {
    const refusing = accepted(preAggregatorOf(nnm)).made;
    const lax = withPre([{ ...refusing, minimumCohort: () => 1 }], mean);
    expect(await codeOf(lax.aggregate({ cohort: plainCohort(V), f: 2, seed: null, reference: null }))).toBe(
      'cohort-too-small',
    );
    const laxRule = withPre([refusing], { ...median, minimumCohort: () => 1 });
    expect(await codeOf(laxRule.aggregate({ cohort: plainCohort(V), f: 1, seed: null, reference: null }))).toBe(
      'aggregate',
    );
    const strict: AggregationRule = {
      ...mean,
      aggregate: () => median.aggregate({ cohort: plainCohort(V), f: 9, seed: null, reference: null }),
    };
    const handed = behind(strict, clip).aggregate({ cohort: plainCohort(V), f: 0, seed: null, reference: null });
    expect(await codeOf(handed)).toBe('cohort-too-small');
  });

  it('say what they assume: what is proven through all stages, and nothing else', () => {
    const kappa = (rule: AggregationRule) => rule.assumes.robustness?.kappa(7, 2);
    expect(kappa(behind(trimmedMean, nnm))).toBeCloseTo((16 / 5) * (2 / 3 + 1), 12);
    expect(kappa(behind(trimmedMean, arc))).toBeCloseTo(2, 12);
    expect(kappa(behind(trimmedMean, arc, nnm))).toBeCloseTo(3 * (16 / 5) * (2 / 3 + 1), 12);
    expect(kappa(behind(trimmedMean, nnm, arc))).toBeCloseTo((16 / 5) * (2 + 1), 12);
    for (const pre of [clip, { name: 'clip-to-median' }, buckets]) {
      expect(behind(trimmedMean, pre).assumes.robustness).toBeNull();
      expect(behind(trimmedMean, pre, nnm).assumes.robustness).toBeNull();
      expect(behind(trimmedMean, nnm, pre).assumes.robustness).toBeNull();
    }
    expect(behind(median, clip).assumes.largestSpread).toBeNull();
    expect(behind(trimmedMean, clip, clip).assumes.sensitivityL2(10, 2)).toBe(trimmedMean.assumes.sensitivityL2(10, 2));
    expect(behind(trimmedMean, clip, nnm).assumes.sensitivityL2(10, 2)).toBeNull();
    expect(behind(median, clip).assumes.draws).toBe(false);
    expect(behind(median, clip, buckets).assumes.draws).toBe(true);
    expect(behind(firstRule(), clip).assumes.draws).toBe(true);
  });

  it.each([
    { through: 'NNM', pres: [nnm] },
    { through: 'ARC', pres: [arc] },
    { through: 'ARC and NNM', pres: [arc, nnm] },
  ])('hold the bound on robustness through $through over every subset', ({ pres }) =>
    fc.assert(
      fc.asyncProperty(fewRows, fc.constantFrom(median, trimmedMean), async ({ f, rows }, rule) => {
        const mixed = behind(rule, ...pres);
        const { values } = await aggregateOf(mixed, rows, f);
        const kappa = mixed.assumes.robustness?.kappa(rows.length, f) ?? NaN;
        expect(worstRatio(rows, f, values)).toBeLessThanOrEqual(kappa * (1 + 1e-6) + 1e-9);
      }),
    ),
  );
});
