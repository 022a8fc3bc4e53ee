import { describe, expect, it } from 'vitest';
import { multiKrumDeclared } from '../../../../server/aggregation/rules/multi-krum.ts';
import { aggregateOf, codeOf, type Rows, ruleOf } from '../../../support/rule-cases.ts';
import { P7, V } from '../../../support/published-cohorts.ts';

const multiKrum = (options: object = {}) => ruleOf(multiKrumDeclared, options);
const line = (n: number): Rows => Array.from({ length: n }, (_, i) => [i]);

describe('multi-Krum', () => {
  it('averages n - f - 2 updates unless told otherwise', async () => {
    expect(await aggregateOf(multiKrum(), line(9), 2)).toMatchObject({ m: 5, neighbours: 5, warnings: [] });
    expect(await aggregateOf(multiKrum(), line(7), 2)).toMatchObject({ m: 3, neighbours: 3 });
  });

  it('gives ties to the lower rows', async () => {
    const twins = Array.from({ length: 9 }, () => [1]);
    expect(await aggregateOf(multiKrum(), twins, 2)).toMatchObject({ selected: [0, 1, 2, 3, 4] });
    expect(await aggregateOf(multiKrum(), [[9], ...twins], 2)).toMatchObject({ selected: [1, 2, 3, 4, 5, 6] });
  });

  it('never averages more than n - f: a fixed m asks for a larger cohort instead of shrinking', async () => {
    expect([0, 1, 2, 7].map((f) => multiKrum().minimumCohort(f))).toEqual([3, 5, 7, 17]);
    expect([0, 1, 2, 7].map((f) => multiKrum({ m: 8 }).minimumCohort(f))).toEqual([8, 9, 10, 17]);
    expect(await aggregateOf(multiKrum({ m: 8 }), line(10), 2)).toMatchObject({ m: 8, neighbours: 6 });
    expect(await codeOf(aggregateOf(multiKrum({ m: 9 }), line(10), 2))).toBe('cohort-too-small');
  });

  it('warns of an m that no proof covers, and allows it no spread', async () => {
    expect((await aggregateOf(multiKrum({ m: 6 }), line(10), 2)).warnings).toEqual([]);
    expect((await aggregateOf(multiKrum({ m: 7 }), line(10), 2)).warnings).toEqual([
      'm = 7: no proof of multi-Krum covers more than n-f-2 = 6',
    ]);
    const ratios = [6, 7].map((m) => multiKrum({ m }).assumes.largestSpread?.ratio(10, 2));
    expect(ratios).toEqual([multiKrum().assumes.largestSpread?.ratio(10, 2), 0]);
  });

  it('takes all where m = n', async () => {
    const { selected, values } = await aggregateOf(multiKrum({ m: 4 }), line(4), 0);
    expect({ selected, values: [...values] }).toEqual({ selected: [0, 1, 2, 3], values: [1.5] });
  });

  it('refuses an m that is no whole number of at least 1, and records one that is', () => {
    for (const m of [0, -1, 1.5, NaN, '2'])
      expect(multiKrumDeclared.make({ m })).toMatchObject({ refusal: { code: 'bad-option' } });
    expect(multiKrum({ m: 2 }).variant).toBe('canonical: squared L2, n-f-2 nearest others, ties by client id, m = 2');
    expect(multiKrum().variant).toBe('canonical: squared L2, n-f-2 nearest others, ties by client id');
  });
});

describe('vectors of the field', () => {
  const byzpy = [
    [0, 0],
    [0.1, 0],
    [-0.1, 0],
    [0, 0.1],
    [100, 100],
  ];

  it('P7 selects 0, 1 and 6', async () => {
    expect(await aggregateOf(multiKrum(), P7, 2)).toMatchObject({ selected: [0, 1, 6] });
  });

  it('agrees with krum-lib: f = 1, m = 2', async () => {
    const rows = [
      [1, 2, 3],
      [1.1, 2.1, 3.1],
      [0.9, 1.9, 2.9],
      [1.2, 2.2, 3.2],
      [100, 200, 300],
    ];
    const { values } = await aggregateOf(multiKrum({ m: 2 }), rows, 1);
    [1.05, 2.05, 3.05].forEach((expected, i) => expect(values[i]).toBeCloseTo(expected, 6));
  });

  it('differs from ByzPy’s m = 3 of five: they sum over n-f-1 others, and their tolerance of 0.05 hides it', async () => {
    // They expect [0, 0.0333].
    const canonical = await aggregateOf(multiKrum({ m: 3 }), byzpy, 1);
    expect(canonical).toMatchObject({ selected: [0, 1, 2] });
    expect([...canonical.values]).toEqual([0, 0]);
    const theirs = await aggregateOf(multiKrum({ m: 3, neighbours: 3 }), byzpy, 1);
    expect(theirs).toMatchObject({ selected: [0, 1, 3] });
    theirs.values.forEach((value) => expect(value).toBeCloseTo(0.1 / 3, 6));
  });

  it.each([
    ['ByzFL’s m = 2, who expect [2.5, 3.5, 4.5]', V],
    ['Flower’s m = 2, who expect 0.35', [[0.2], [0.5], [1]]],
  ])('refuses three updates with f = 1: %s', async (_, rows) => {
    expect(await codeOf(aggregateOf(multiKrum({ m: 2 }), rows, 1))).toBe('cohort-too-small');
  });
});
