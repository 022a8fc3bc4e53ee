import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { krum } from '../../../server/aggregation/krum.ts';
import { krumScores } from '../../../server/aggregation/krum-scores.ts';
import { multiKrum } from '../../../server/aggregation/multi-krum.ts';
import type { AggregationRule } from '../../../server/aggregation/rule.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { anyValue, aggregateOf, bitsOf, clientId, cohortCase, exactly, updatesOf } from './cohorts.ts';

function picksOf(rule: AggregationRule, rows: readonly (readonly number[])[], f: number): readonly number[] {
  return aggregateOf(rule, updatesOf(rows), f).selected.map((client) => Number.parseInt(client, 16));
}

const scoresOf = (rows: readonly (readonly number[])[], f: number): readonly number[] =>
  krumScores(
    rows.map((row) => Float32Array.from(row)),
    f,
  );

describe('Krum', () => {
  it('hands on one update, unchanged to the last bit', () => {
    fc.assert(
      fc.property(cohortCase(anyValue), ({ f, rows }) => {
        const updates = updatesOf(rows);
        const { selected, values } = aggregateOf(krum, updates, f);
        const winner = updates.find(({ client }) => client === selected[0]);
        expect(selected).toHaveLength(1);
        expect(bitsOf(values)).toEqual(bitsOf(winner?.values ?? new Float32Array()));
      }),
    );
  });

  it('is multi-Krum with m = 1', () => {
    fc.assert(
      fc.property(cohortCase(anyValue), ({ f, rows }) => {
        expect(exactly(aggregateOf(krum, updatesOf(rows), f))).toEqual(
          exactly(aggregateOf(multiKrum(1), updatesOf(rows), f)),
        );
      }),
    );
  });

  it('never selects one of f far liars, however they sit, and multi-Krum averages none of them', () => {
    // Honest in a ball of radius R: score <= (n-f-2) (2R)^2. A far liar has at least 2 honest among its neighbours.
    const liar = fc.record({
      sign: fc.constantFrom(-1, 1),
      distance: fc.integer({ min: 100, max: 10_000 }),
      twin: fc.boolean(),
    });
    const attacked = cohortCase(fc.float({ min: -1, max: 1, noNaN: true })).chain((cohort) =>
      fc.record({ cohort: fc.constant(cohort), liars: fc.array(liar, { minLength: cohort.f, maxLength: cohort.f }) }),
    );
    fc.assert(
      fc.property(attacked, ({ cohort: { f, rows }, liars }) => {
        // Liars take the lowest ids: no tie may save the honest.
        const lies = liars.map(({ sign, distance, twin }) => (rows[0] ?? []).map(() => (twin ? 500 : sign * distance)));
        const attackedRows = [...lies, ...rows.slice(f)];
        for (const rule of [krum, multiKrum()])
          expect(picksOf(rule, attackedRows, f).filter((index) => index < f)).toEqual([]);
      }),
    );
  });

  it('gives ties to the lowest client id', () => {
    const twins = Array.from({ length: 9 }, () => [0.1, -0.2]);
    expect(picksOf(krum, twins, 2)).toEqual([0]);
    expect(picksOf(multiKrum(), twins, 2)).toEqual([0, 1, 2, 3, 4]);
    expect(picksOf(multiKrum(), [[9], ...twins.map(() => [1])], 2)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('needs n >= 2f + 3, whatever m', () => {
    for (const f of [0, 1, 2, 3, 7]) {
      expect(krum.minimumCohort(f)).toBe(2 * f + 3);
      expect(multiKrum().minimumCohort(f)).toBe(2 * f + 3);
      expect(multiKrum(1).minimumCohort(f)).toBe(2 * f + 3);
      for (let n = 0; n < 2 * f + 3; n++)
        expect(krum.aggregate(updatesOf(Array.from({ length: n }, (_, i) => [i])), f)).toMatchObject({
          refusal: { code: 'cohort-too-small', expected: `at least ${2 * f + 3} updates` },
        });
    }
  });

  it('never averages more than n - f - 2: a fixed m asks for a larger cohort instead of shrinking', () => {
    const rows = Array.from({ length: 10 }, (_, i) => [i]);
    expect(multiKrum(6).minimumCohort(2)).toBe(10);
    expect(picksOf(multiKrum(6), rows, 2)).toHaveLength(6);
    expect(multiKrum(7).aggregate(updatesOf(rows), 2)).toMatchObject({ refusal: { code: 'cohort-too-small' } });
  });

  it('records m and the number of neighbours from the updates given, not from the cohort offered', () => {
    const nine = updatesOf(Array.from({ length: 9 }, (_, i) => [i]));
    expect(aggregateOf(multiKrum(), nine, 2)).toMatchObject({ m: 5, neighbours: 5 });
    expect(aggregateOf(multiKrum(), nine.slice(0, 7), 2)).toMatchObject({ m: 3, neighbours: 3 });
    expect(aggregateOf(krum, nine, 2)).toMatchObject({ m: 1, neighbours: 5 });
  });

  it('calls an f that is no whole number a fault', () => {
    for (const f of [-1, 0.5, NaN])
      expect(() => krum.aggregate(updatesOf([[1], [2], [3], [4], [5]]), f)).toThrow(InvariantError);
  });
});

describe('vectors of the field', () => {
  const p7 = [
    [4, 4],
    [5, 6],
    [2, 7],
    [5, 4],
    [1, 0],
    [1, 1],
    [1, 2],
  ];

  it('P7 tells the variants apart: squared distances to the n-f-2 nearest others', () => {
    // n-f-1 others picks 0, n-f picks 0, unsquared 5, squared twice 1 (field notes; hand-checkable whole numbers).
    expect(scoresOf(p7, 2)).toEqual([19, 19, 41, 23, 30, 20, 18]);
    expect(picksOf(krum, p7, 2)).toEqual([6]);
    expect(picksOf(multiKrum(), p7, 2)).toEqual([0, 1, 6]);
  });

  it('survives cancellation: small differences between large weights', () => {
    const base = [1000, 2000, 3000, 4000];
    const differences = [[], [0.25], [0, 0.25], [0, 0, 0.5], [3, 3, 3, 3]];
    const rows = differences.map((difference) => base.map((weight, i) => weight + (difference[i] ?? 0)));
    expect(scoresOf(rows, 1)).toEqual([0.125, 0.1875, 0.1875, 0.5625, 67.8125]);
    expect(picksOf(krum, rows, 1)).toEqual([0]);
  });

  it('agrees with ByzPy on Krum: four at the origin and one far away', () => {
    expect([
      ...aggregateOf(
        krum,
        updatesOf([
          [0, 0],
          [0, 0],
          [0, 0],
          [0, 0],
          [100, 100],
        ]),
        1,
      ).values,
    ]).toEqual([0, 0]);
  });

  it('agrees with krum-lib on multi-Krum, f = 1, m = 2', () => {
    const rows = [
      [1, 2, 3],
      [1.1, 2.1, 3.1],
      [0.9, 1.9, 2.9],
      [1.2, 2.2, 3.2],
      [100, 200, 300],
    ];
    const { values } = aggregateOf(multiKrum(2), updatesOf(rows), 1);
    [1.05, 2.05, 3.05].forEach((expected, i) => expect(values[i]).toBeCloseTo(expected, 6));
  });

  it('refuses what ByzFL and Flower compute on three updates with f = 1, below n >= 2f + 3', () => {
    const byzfl = [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]; // they expect [1, 2, 3], by the lowest index alone
    const flower = [[0.2], [0.7], [1]]; // they expect 0.7, by clamping the neighbours to 1
    for (const rows of [byzfl, flower]) expect(krum.aggregate(updatesOf(rows), 1).kind).toBe('refused');
  });

  it('refuses ByzPy’s multi-Krum of three out of five with f = 1: m may not pass n-f-2 = 2', () => {
    const rows = [
      [0, 0],
      [0.1, 0],
      [-0.1, 0],
      [0, 0.1],
      [100, 100],
    ]; // they count n-f-1 others, and expect [0, 0.0333]
    expect(multiKrum(3).aggregate(updatesOf(rows), 1).kind).toBe('refused');
    expect(aggregateOf(multiKrum(2), updatesOf(rows), 1).selected).toEqual([clientId(0), clientId(1)]);
  });
});
