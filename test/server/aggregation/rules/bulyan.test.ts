import { describe, expect, it } from 'vitest';
import { bulyanDeclared } from '../../../../server/aggregation/rules/bulyan.ts';
import { krumDeclared } from '../../../../server/aggregation/rules/krum.ts';
import { aggregateOf, codeOf, type Rows, ruleOf } from '../../../support/rule-cases.ts';
import { P7 } from '../../../support/published-cohorts.ts';

const bulyan = ruleOf(bulyanDeclared);
const line = (n: number): Rows => Array.from({ length: n }, (_, i) => [i]);

describe('Bulyan', () => {
  it('needs n >= 4f + 3', async () => {
    for (const f of [0, 1, 2, 5]) {
      expect(bulyan.minimumCohort(f)).toBe(4 * f + 3);
      expect(await codeOf(aggregateOf(bulyan, line(4 * f + 2), f))).toBe('cohort-too-small');
      expect((await aggregateOf(bulyan, line(4 * f + 3), f)).selected).toHaveLength(2 * f + 3);
    }
    expect(await codeOf(aggregateOf(bulyan, P7, 2))).toBe('cohort-too-small');
  });

  it('shares the coordinates among the picked and gives none to the others', async () => {
    // Picked: the first five. Averaged: 1, 2, 3 of the first coordinate, 0, 1, 2 of the second (0 and 4 are as far from 2).
    const rows = [
      [0, 0],
      [1, 5],
      [2, 1],
      [3, 4],
      [4, 2],
      [5, 3],
      [50, 50],
    ];
    const { selected, shares, values, m } = await aggregateOf(bulyan, rows, 1);
    expect(selected).toEqual([0, 1, 2, 3, 4]);
    expect([...shares]).toEqual([0.5, 0.5, 1, 0.5, 0.5, 0, 0]);
    expect([...values]).toEqual([2, 1]);
    expect(m).toBeNull();
  });

  it('scores as Krum does over the whole cohort', async () => {
    const krum = await aggregateOf(ruleOf(krumDeclared), line(11), 2);
    const { scores, neighbours } = await aggregateOf(bulyan, line(11), 2);
    expect({ scores, neighbours }).toEqual({ scores: krum.scores, neighbours: 7 });
  });

  it('scores anew after every pick, at last by the one nearest that remains', async () => {
    // By hand, f = 1: 3 with 15, ties with 4; then 4 with 14, ties with 5; 7 with 8; 0 with 4, ties with 2; 2 with 9.
    const { selected, values } = await aggregateOf(bulyan, [[0], [2], [3], [4], [5], [7], [9]], 1);
    expect({ selected, values: [...values] }).toEqual({ selected: [0, 1, 2, 3, 5], values: [3] });
  });

  it('gives ties to the lower rows', async () => {
    const twins = Array.from({ length: 7 }, () => [1]);
    expect(await aggregateOf(bulyan, twins, 1)).toMatchObject({ selected: [0, 1, 2, 3, 4] });
  });
});

describe('vectors of the field', () => {
  it('agrees with Flower on f = 0, where it is the mean', async () => {
    const { values } = await aggregateOf(bulyan, [[0.2], [0.5], [0.7], [12], [0.1], [0.1]], 0);
    expect(values[0]).toBeCloseTo(2.2666667, 6);
  });

  it('differs from krum-lib, who expect [1, 2, 3]: they stop two picks early and average sets', async () => {
    const shifts = [0, 0.1, -0.1, 0.2, 99, -0.2, 0.05];
    const rows = shifts.map((shift) => (shift === 99 ? [100, 200, 300] : [1 + shift, 2 + shift, 3 + shift]));
    const { values } = await aggregateOf(bulyan, rows, 1);
    [1.05, 2.05, 3.05].forEach((expected, i) => expect(values[i]).toBeCloseTo(expected, 6));
  });
});
