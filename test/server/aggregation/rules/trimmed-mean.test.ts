import { describe, expect, it } from 'vitest';
import { trimmedMeanDeclared } from '../../../../server/aggregation/rules/trimmed-mean.ts';
import { aggregateOf, ruleOf } from '../../../support/rule-cases.ts';
import { F4, P7, V } from '../../../support/published-cohorts.ts';
import { worstRatio } from './robustness-ratio.ts';

const trimmedMean = ruleOf(trimmedMeanDeclared);

describe('the trimmed mean of every coordinate', () => {
  it.each([
    { of: 'ByzFL', rows: V, f: 1, expected: [4, 5, 6] },
    { of: 'the README of ByzFL', rows: [...V, [-4, -5, -6]], f: 1, expected: [2.5, 3.5, 4.5] },
    { of: 'fedlib', rows: F4, f: 1, expected: [1.5, 2, 3] },
    { of: 'P7', rows: P7, f: 2, expected: [7 / 3, 10 / 3] },
    { of: 'ByzPy', rows: [[0], [10], [20], [30], [40]], f: 1, expected: [20] },
  ])('is that of $of', async ({ rows, f, expected }) => {
    expect([...(await aggregateOf(trimmedMean, rows, f)).values]).toEqual([...Float32Array.from(expected)]);
  });

  it('is the mean where f = 0, which peers that slice [f:-f] answer with nothing', async () => {
    const { values, shares } = await aggregateOf(trimmedMean, F4, 0);
    expect([...values]).toEqual([1.25, 2.25, 2]);
    expect([...shares]).toEqual([1, 1, 1, 1]);
  });

  it('has the observed worst ratio of P7 within its bound', async () => {
    const { values } = await aggregateOf(trimmedMean, P7, 2);
    expect(worstRatio(P7, 2, values)).toBeCloseTo(0.483, 3);
    expect(trimmedMean.assumes.robustness?.kappa(7, 2)).toBeCloseTo(2 / 3, 12);
  });
});
