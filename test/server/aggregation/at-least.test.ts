import { describe, expect, it } from 'vitest';
import { atLeast } from '../../../server/aggregation/at-least.ts';
import type { AggregationRule } from '../../../server/aggregation/rule.ts';
import { ruleFor } from '../../../server/aggregation/rule-for.ts';
import { ruleOf } from '../../../server/aggregation/rules.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { plainCohort } from '../../support/plain-cohort.ts';

const [mean, krum] = ['mean', 'krum'].map((name): AggregationRule => accepted(ruleOf({ name })).made);
if (!mean || !krum) throw new Error('two rules');

const inputOf = (count: number, f: number) => ({
  cohort: plainCohort(Array.from({ length: count }, (_, i) => [i, 1])),
  f,
  seed: null,
  reference: null,
});

describe('a quorum in front of a rule', () => {
  it('refuses fewer updates, and leaves the rule as it is from there on', async () => {
    const rule = atLeast(mean, 4);
    expect(await rule.aggregate(inputOf(3, 0))).toMatchObject({ refusal: { code: 'cohort-too-small' } });
    expect(await rule.aggregate(inputOf(4, 0))).toEqual(await mean.aggregate(inputOf(4, 0)));
  });

  it('never lowers what the rule itself needs for f', async () => {
    expect(atLeast(krum, 2).minimumCohort(2)).toBe(7);
    expect(atLeast(krum, 9).minimumCohort(2)).toBe(9);
    expect(await atLeast(krum, 2).aggregate(inputOf(6, 2))).toMatchObject({ refusal: { code: 'cohort-too-small' } });
  });

  it('cannot be more than the clients a round may start with', () => {
    const cohort = { minimum: 5, size: 9, quorum: 6 };
    expect(ruleFor({ name: 'mean', f: 0, cohort })).toMatchObject({ refusal: { code: 'bad-config' } });
    expect(ruleFor({ name: 'mean', f: 0, cohort: { ...cohort, quorum: 5 } })).toMatchObject({ kind: 'chosen' });
  });
});
