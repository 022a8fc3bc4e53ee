import { describe, expect, it } from 'vitest';
import { medianDeclared } from '../../../../server/aggregation/rules/median.ts';
import { aggregateOf, ruleOf } from '../../../support/rule-cases.ts';
import { F4, P7, V } from '../../../support/published-cohorts.ts';
import { worstRatio } from './robustness-ratio.ts';
import { near } from './near.ts';

const median = ruleOf(medianDeclared);

describe('the median of every coordinate', () => {
  it.each([
    { of: 'ByzFL', rows: V, f: 1, expected: [4, 5, 6] },
    { of: 'fedlib', rows: F4, f: 1, expected: [1.5, 2, 3] },
    { of: 'P7', rows: P7, f: 2, expected: [2, 4] },
    { of: 'Flower', rows: [[0.2], [1], [0.5]], f: 1, expected: [0.5] },
    {
      of: 'ByzPy',
      rows: [
        [1, 5, 3],
        [2, 3, 40],
        [10, 20, 30],
      ],
      f: 1,
      expected: [2, 5, 30],
    },
  ])('is that of $of', async ({ rows, f, expected }) => {
    expect([...(await aggregateOf(median, rows, f)).values]).toEqual([...Float32Array.from(expected)]);
  });

  it('tells in how many coordinates each update is in the middle', async () => {
    const { shares } = await aggregateOf(
      median,
      [
        [1, 3, 0],
        [2, 2, 0],
        [3, 1, 5],
      ],
      1,
    );
    expect([...shares]).toEqual(near([1 / 3, 1, 0], 12));
  });

  it('has the observed worst ratio of P7 within its bound', async () => {
    const { values } = await aggregateOf(median, P7, 2);
    expect(worstRatio(P7, 2, values)).toBeCloseTo(0.607, 3);
    expect(median.assumes.robustness?.kappa(7, 2)).toBeCloseTo(3 / 2, 12);
  });

  it('bounds its movement of an even number of updates alone', () => {
    expect(median.assumes.sensitivityL2(8, 1)).toBe(1);
    expect(median.assumes.sensitivityL2(9, 1)).toBeNull();
  });

  it('needs updates that agree better the more of them there are', () => {
    expect(median.assumes.largestSpread?.ratio(12, 3)).toBeCloseTo(1 / 3, 12);
  });
});
