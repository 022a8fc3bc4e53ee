import { describe, expect, it } from 'vitest';
import { meamedDeclared } from '../../../../server/aggregation/rules/meamed.ts';
import { aggregateOf, ruleOf } from '../../../support/rule-cases.ts';
import { P7, V } from '../../../support/published-cohorts.ts';

const meamed = ruleOf(meamedDeclared);

describe('MeaMed', () => {
  it.each([
    { of: 'ByzFL, whose middle of three has two neighbours as far', rows: V, f: 1, expected: [2.5, 3.5, 4.5] },
    // 1 and 7 are as far from the median 4: [1.8, 4.6] is what ties by row make of it, which depends on their order.
    { of: 'P7, the smaller of a tie', rows: P7, f: 2, expected: [1.8, 3.4] },
    {
      of: 'ByzPy, f = 1',
      rows: [
        [0, 0],
        [1, 100],
        [100, 1],
      ],
      f: 1,
      expected: [0.5, 0.5],
    },
    {
      of: 'ByzPy, f = 2',
      rows: [
        [-10, 0],
        [1, 100],
        [2, 2],
        [3, -100],
        [100, 1],
      ],
      f: 2,
      expected: [2, 1],
    },
  ])('is that of $of', async ({ rows, f, expected }) => {
    expect([...(await aggregateOf(meamed, rows, f)).values]).toEqual([...Float32Array.from(expected)]);
  });

  it('claims no robustness that no theorem gives it', () => {
    expect(meamed.assumes.robustness).toBeNull();
    expect(meamed.assumes.sensitivityL2(9, 2)).toBeNull();
  });
});
