import { describe, expect, it } from 'vitest';
import { preAggregatorOf, preNames } from '../../../../server/aggregation/pre/pre-aggregators.ts';

describe('the list of pre-aggregators', () => {
  it('makes each by the name that it gives itself', () => {
    expect(preNames).toEqual(['clip', 'clip-to-median', 'arc', 'nnm', 'bucketing']);
    for (const name of preNames) {
      const options = name === 'clip' ? { norm: 1 } : {};
      expect(preAggregatorOf({ name, ...options })).toMatchObject({ kind: 'made', made: { name } });
    }
  });

  it('refuses a name that none has, and names the closest', () => {
    const { refusal } = { refusal: undefined, ...preAggregatorOf({ name: 'nmm' }) };
    expect(refusal).toMatchObject({ code: 'unknown-rule', found: 'nmm', hint: 'did you mean "nnm"?' });
  });

  it('refuses options of another', () => {
    expect(preAggregatorOf({ name: 'nnm', size: 2 })).toMatchObject({ refusal: { code: 'bad-option', found: 'size' } });
    expect(preAggregatorOf({ name: 'bucketing', sise: 2 })).toMatchObject({
      refusal: { code: 'bad-option', hint: 'did you mean "size"?' },
    });
  });
});
