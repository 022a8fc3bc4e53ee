import { describe, expect, it } from 'vitest';
import { krumDeclared } from '../../../../server/aggregation/rules/krum.ts';
import { multiKrumDeclared } from '../../../../server/aggregation/rules/multi-krum.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { aggregateOf, anyValue, codeOf, cohortCase, exactly, type Rows, ruleOf } from '../../../support/rule-cases.ts';
import { F4, P7, V } from '../../../support/published-cohorts.ts';
import { fc } from '../../../support/properties.ts';

const krum = ruleOf(krumDeclared);
const line = (n: number): Rows => Array.from({ length: n }, (_, i) => [i]);

async function krumOf(rows: Rows, f: number, options: object = {}) {
  const { selected, scores } = await aggregateOf(ruleOf(krumDeclared, options), rows, f);
  return { selected, scores: scores && [...scores] };
}

describe('Krum', () => {
  it('hands on one update, unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(cohortCase(anyValue), async ({ f, rows }) => {
        const { selected, values, shares } = await aggregateOf(krum, rows, f);
        expect(selected).toHaveLength(1);
        const [winner = NaN] = selected ?? [];
        // Added to a zero, which has no sign.
        expect([...values]).toEqual((rows[winner] ?? []).map((value) => value + 0));
        expect([...shares]).toEqual(rows.map((_, row) => (row === winner ? 1 : 0)));
      }),
    );
  });

  it('is multi-Krum with m = 1, under every variant', async () => {
    const variants = fc.constantFrom('canonical', 'd4', 'unsquared');
    await fc.assert(
      fc.asyncProperty(cohortCase(anyValue), variants, async ({ f, rows }, variant) => {
        const multiKrum = ruleOf(multiKrumDeclared, { variant, m: 1 });
        expect(exactly(await aggregateOf(ruleOf(krumDeclared, { variant }), rows, f))).toEqual(
          exactly(await aggregateOf(multiKrum, rows, f)),
        );
      }),
    );
  });

  it('gives ties to the lowest row', async () => {
    const twins = Array.from({ length: 9 }, () => [0.1, -0.2]);
    expect(await krumOf(twins, 2)).toMatchObject({ selected: [0] });
    expect(await krumOf([[9, 9], ...twins], 2)).toMatchObject({ selected: [1] });
  });

  it('needs n >= 2f + 3, and as many others as it is told to sum over', async () => {
    for (const f of [0, 1, 2, 3, 7]) {
      expect(krum.minimumCohort(f)).toBe(2 * f + 3);
      for (let n = 1; n < 2 * f + 3; n++)
        expect(await krum.aggregate({ ...inputOf(n), f })).toMatchObject({
          refusal: { code: 'cohort-too-small', expected: `at least ${2 * f + 3} updates` },
        });
    }
    const many = ruleOf(krumDeclared, { neighbours: 9 });
    expect([0, 3, 4].map((f) => many.minimumCohort(f))).toEqual([10, 10, 11]);
    expect(await codeOf(aggregateOf(many, line(9), 2))).toBe('cohort-too-small');
    expect(await aggregateOf(many, line(10), 2)).toMatchObject({ neighbours: 9 });
  });

  it('counts its neighbours from the updates given, and says which Krum it is', async () => {
    expect(await aggregateOf(krum, line(9), 2)).toMatchObject({ m: 1, neighbours: 5, warnings: [] });
    expect(await aggregateOf(krum, line(7), 2)).toMatchObject({ m: 1, neighbours: 3 });
    const variantOf = (options: object) => ruleOf(krumDeclared, options).variant;
    expect(variantOf({})).toBe('canonical: squared L2, n-f-2 nearest others, ties by client id');
    expect(variantOf({ variant: 'd4' })).toBe('d4: squared L2 squared again, n-f-2 nearest others, ties by client id');
    expect(variantOf({ variant: 'unsquared', neighbours: 4 })).toBe(
      'unsquared: L2, 4 nearest others, ties by client id',
    );
  });

  it('refuses options that are none of its own', () => {
    const [none, m, half, far] = [{ neighbours: 0 }, { m: 1 }, { neighbours: 1.5 }, { variant: 'cosine' }];
    for (const options of [none, m, half, far])
      expect(krumDeclared.make(options)).toMatchObject({ refusal: { code: 'bad-option' } });
  });

  it('calls an f that is no whole number a fault', async () => {
    for (const f of [-1, 0.5]) await expect(krum.aggregate({ ...inputOf(5), f })).rejects.toThrow(InvariantError);
  });

  it('claims Blanchard’s bound on the spread for its own score alone, and no robustness', () => {
    // eta of Blanchard's proposition 1 in its own form, with m = n - f - 2.
    const eta = (n: number, f: number) => {
      const m = n - f - 2;
      return Math.sqrt(2 * (n - f + (f * m + f * f * (m + 1)) / (n - 2 * f - 2)));
    };
    for (const [n = 0, f = 0] of [
      [7, 2],
      [20, 4],
      [5, 0],
      [100, 48],
    ])
      expect(krum.assumes.largestSpread?.ratio(n, f)).toBeCloseTo(1 / eta(n, f), 12);
    expect(krum.assumes.robustness).toBeNull();
    for (const options of [{ variant: 'd4' }, { variant: 'unsquared' }, { neighbours: 4 }])
      expect(ruleOf(krumDeclared, options).assumes.largestSpread).toBeNull();
  });
});

const inputOf = (n: number) => ({ cohort: plainCohort(line(n)), seed: null, reference: null });

describe('vectors of the field', () => {
  it.each([
    ['canonical', {}, 6, [19, 19, 41, 23, 30, 20, 18]],
    ['n-f-1 others, as ByzFL and ByzPy', { neighbours: 4 }, 0, [32, 51, 67, 43, 62, 45, 38]],
    ['n-f others', { neighbours: 5 }, 0, [50, 92, 104, 68, 112, 82, 64]],
    ['squared twice, as Blades', { variant: 'd4' }, 1, [195, 141, 593, 341, 642, 326, 186]],
  ])('P7 tells the variants apart: %s', async (_, options, picked, scores) => {
    expect(await krumOf(P7, 2, options)).toEqual({ selected: [picked], scores });
  });

  it('P7 tells the variants apart: unsquared', async () => {
    const { selected, scores } = await krumOf(P7, 2, { variant: 'unsquared' });
    expect(selected).toEqual([5]);
    const expected = [6.842, 7.398, 11.01, 7.243, 8, 6.2426, 6.606];
    expected.forEach((score, row) => expect(scores?.[row]).toBeCloseTo(score, row === 5 ? 4 : 3));
  });

  it('survives cancellation: small differences between large weights', async () => {
    const base = [1000, 2000, 3000, 4000];
    const differences = [[], [0.25], [0, 0.25], [0, 0, 0.5], [3, 3, 3, 3]];
    const rows = differences.map((difference) => base.map((weight, i) => weight + (difference[i] ?? 0)));
    expect(await krumOf(rows, 1)).toEqual({ selected: [0], scores: [0.125, 0.1875, 0.1875, 0.5625, 67.8125] });
  });

  it('agrees with ByzPy: four at the origin and one far away', async () => {
    const rows = [...Array.from({ length: 4 }, () => [0, 0]), [100, 100]];
    expect([...(await aggregateOf(krum, rows, 1)).values]).toEqual([0, 0]);
  });

  it.each([
    ['ByzFL’s, who expect [1, 2, 3] by the lowest index alone', V],
    ['Flower’s, who expect 0.7 by clamping the neighbours to 1', [[0.2], [0.7], [1]]],
    ['fedlib’s four', F4],
  ])('refuses too few updates for f = 1: %s', async (_, rows) => {
    expect(await codeOf(aggregateOf(krum, rows, 1))).toBe('cohort-too-small');
  });
});
