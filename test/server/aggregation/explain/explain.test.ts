import { describe, expect, it } from 'vitest';
import { certify } from '../../../../server/aggregation/explain/certificate.ts';
import { explain } from '../../../../server/aggregation/explain/explain.ts';
import { estimateLiars, liarWarnings } from '../../../../server/aggregation/explain/liar-estimate.ts';
import type { Aggregate, AggregationRule } from '../../../../server/aggregation/rule.ts';
import { meanDeclared } from '../../../../server/aggregation/rules/mean.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { hostileCohort } from './hostile-cohorts.ts';

const mean = meanRule();

function meanRule(): AggregationRule {
  const outcome = meanDeclared.make({});
  if (outcome.kind !== 'made') throw new Error('expected the mean');
  return outcome.made;
}

const rows = [[0, 0], [3, 4], [6, 8], [0, 5]]; // prettier-ignore
const aggregate: Aggregate = {
  kind: 'aggregate',
  values: Float32Array.of(3, 4),
  selected: [1, 3],
  scores: Float64Array.of(7, 2, 9, 2),
  shares: Float64Array.of(0, 0.5, 0, 0.5),
  m: 2,
  neighbours: 1,
  warnings: ['what the rule has to say'],
};

const spreadRule: AggregationRule = {
  ...mean,
  name: 'a-rule',
  assumes: { ...mean.assumes, largestSpread: { ratio: () => 1e-3, source: 'a theorem' } },
};

describe('explain', () => {
  it('gives every client its score, rank, distance to the aggregate and share', async () => {
    const { clients } = await explain({ cohort: plainCohort(rows), rule: mean, aggregate, f: 1 });
    expect(clients).toEqual([
      { score: 7, rank: 3, distanceToAggregate: 5, share: 0 },
      { score: 2, rank: 1, distanceToAggregate: 0, share: 0.5 },
      { score: 9, rank: 4, distanceToAggregate: 5, share: 0 },
      { score: 2, rank: 2, distanceToAggregate: Math.sqrt(10), share: 0.5 },
    ]);
  });

  it('ranks scores without a bound last, in the order of the rows', async () => {
    const scores = Float64Array.of(Infinity, 4, Infinity, -1);
    const { clients } = await explain({
      cohort: plainCohort(rows),
      rule: mean,
      aggregate: { ...aggregate, scores },
      f: 1,
    });
    expect(clients.map(({ rank }) => rank)).toEqual([3, 2, 4, 1]);
  });

  it('gives neither scores nor ranks where the rule scores nobody', async () => {
    const given = { ...aggregate, scores: null };
    const { clients } = await explain({ cohort: plainCohort(rows), rule: mean, aggregate: given, f: 1 });
    expect(clients.map(({ score, rank }) => [score, rank])).toEqual(rows.map(() => [null, null]));
  });

  it('certifies the aggregate against the updates, with the error of sums of d squares', async () => {
    const cohort = plainCohort(rows);
    const { certificate } = await explain({ cohort, rule: mean, aggregate, f: 1 });
    const toAggregate = await cohort.squaredDistancesTo(aggregate.values);
    const distances = { ...(await cohort.squaredDistances()), relativeError: 10 * 2 ** -53 };
    expect(certificate).toEqual(certify(distances, toAggregate, 1));
    // The furthest mean of three is that of (0, 0), (3, 4) and (0, 5): (1, 3).
    expect(certificate.bound).toBeCloseTo(Math.sqrt(5), 12);
  });

  it('keeps the error that the distances state', async () => {
    const cohort = plainCohort(rows);
    const coarse = {
      ...cohort,
      squaredDistances: async () => ({ ...(await cohort.squaredDistances()), relativeError: 1e-3 }),
    };
    const [fine, wide] = [
      await explain({ cohort, rule: mean, aggregate, f: 1 }),
      await explain({ cohort: coarse, rule: mean, aggregate, f: 1 }),
    ];
    expect(wide.certificate.bound).toBeGreaterThan(fine.certificate.bound * (1 + 1e-4));
  });

  it('bounds nothing where all may lie, and still explains', async () => {
    const { certificate, clients } = await explain({ cohort: plainCohort(rows), rule: mean, aggregate, f: 4 });
    expect(certificate).toEqual({ bound: Infinity, exact: true });
    expect(clients).toHaveLength(4);
  });

  it('warns first of what the rule says, then of the condition, then of the number of liars', async () => {
    const cohort = plainCohort(hostileCohort('colluding cluster', { n: 12, f: 4, d: 6 }));
    const { warnings, condition, liars } = await explain({
      cohort,
      rule: spreadRule,
      aggregate: { ...aggregate, values: new Float32Array(6), scores: null, shares: new Float64Array(12) },
      f: 1,
    });
    expect(condition).toMatchObject({ limit: 1e-3, satisfied: false });
    const distances = { ...(await cohort.squaredDistances()), relativeError: 14 * 2 ** -53 };
    expect(liars).toEqual(estimateLiars(distances, 1));
    expect(warnings[0]).toBe('what the rule has to say');
    expect(warnings[1]).toContain('0.00100');
    expect(warnings.slice(2)).toEqual(liarWarnings(liars, 1));
  });

  it('has no condition where the rule has none', async () => {
    const { condition, warnings } = await explain({ cohort: plainCohort(rows), rule: mean, aggregate, f: 1 });
    expect(condition).toBeNull();
    expect(warnings[0]).toBe('what the rule has to say');
  });

  it('explains no aggregate that is not finite', async () => {
    const broken = { ...aggregate, values: Float32Array.of(NaN, 0) };
    const outcome = explain({ cohort: plainCohort(rows), rule: mean, aggregate: broken, f: 1 });
    await expect(outcome).rejects.toThrow(InvariantError);
  });
});
