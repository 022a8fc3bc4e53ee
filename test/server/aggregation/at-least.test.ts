import { describe, expect, it } from 'vitest';
import { atLeast } from '../../../server/aggregation/at-least.ts';
import { krum } from '../../../server/aggregation/krum.ts';
import { mean } from '../../../server/aggregation/mean.ts';
import type { CohortUpdate } from '../../../server/aggregation/rule.ts';
import { ruleFor } from '../../../server/aggregation/rule-for.ts';
import { asClientId } from '../../../shared/ids.ts';

const updates = (count: number): CohortUpdate[] =>
  Array.from({ length: count }, (_, i) => ({
    client: asClientId(String(i).padStart(64, '0')),
    values: Float32Array.of(i, 1),
  }));

describe('a quorum in front of a rule', () => {
  it('refuses fewer updates, and leaves the rule as it is from there on', () => {
    const rule = atLeast(mean, 4);
    expect(rule.aggregate(updates(3), 0)).toMatchObject({ kind: 'refused', refusal: { code: 'cohort-too-small' } });
    expect(rule.aggregate(updates(4), 0)).toEqual(mean.aggregate(updates(4), 0));
  });

  it('never lowers what the rule itself needs for f', () => {
    expect(atLeast(krum, 2).minimumCohort(2)).toBe(7);
    expect(atLeast(krum, 9).minimumCohort(2)).toBe(9);
    expect(atLeast(krum, 2).aggregate(updates(6), 2)).toMatchObject({ refusal: { code: 'cohort-too-small' } });
  });

  it('cannot be more than the clients a round may start with', () => {
    const cohort = { minimum: 5, size: 9, quorum: 6 };
    expect(ruleFor({ name: 'mean', f: 0, cohort })).toMatchObject({ refusal: { code: 'bad-config' } });
    expect(ruleFor({ name: 'mean', f: 0, cohort: { ...cohort, quorum: 5 } })).toMatchObject({ kind: 'chosen' });
  });
});
