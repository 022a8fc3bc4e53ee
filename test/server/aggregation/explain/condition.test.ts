import { describe, expect, it } from 'vitest';
import { conditionOf, conditionWarning } from '../../../../server/aggregation/explain/condition.ts';
import type { AggregationRule } from '../../../../server/aggregation/rule.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { hostileCohort } from './hostile-cohorts.ts';
import type { Rows } from './subsets.ts';
import { fc } from '../../../support/properties.ts';

/** A rule of which nothing but its condition is asked. */
function ruleWith(ratio: ((n: number, f: number) => number) | null): AggregationRule {
  return {
    name: 'a-rule',
    variant: 'of a test',
    minimumCohort: () => 1,
    assumes: {
      robustness: null,
      largestSpread: ratio && { ratio, source: 'a theorem' },
      cost: 'n d',
      sensitivityL2: () => null,
      draws: false,
      reference: 'none',
    },
    aggregate: () => Promise.reject(new Error('not asked for an aggregate')),
  };
}

const conditionFor = async (rows: Rows, ratio: ((n: number, f: number) => number) | null, f = 0) => {
  const cohort = plainCohort(rows);
  const [distances, squaredNorms] = [await cohort.squaredDistances(), await cohort.squaredDistancesTo()];
  return conditionOf(ruleWith(ratio), { distances, squaredNorms, f });
};

describe('conditionOf', () => {
  it('observes the standard deviation, n - 1 below it, over the norm of the mean', async () => {
    // Mean (3, 4) of norm 5; squared deviations 1 + 1 + 4 + 4 = 10 over n - 1 = 3.
    const rows = [[2, 4], [4, 4], [3, 2], [3, 6]]; // prettier-ignore
    const condition = await conditionFor(rows, () => 0.5);
    expect(condition?.observed).toBeCloseTo(Math.sqrt(10 / 3) / 5, 12);
    expect(condition).toMatchObject({ limit: 0.5, satisfied: true, source: 'a theorem' });
  });

  it('asks the rule for its limit by n and f', async () => {
    const rows = hostileCohort('honest', { n: 7, f: 0, d: 3 });
    expect(await conditionFor(rows, (n, f) => 10 * n + f, 2)).toMatchObject({ limit: 72, satisfied: true });
  });

  it('is satisfied up to the limit and not beyond', async () => {
    const observed = (await conditionFor([[1], [3]], () => 1))?.observed ?? NaN;
    expect(await conditionFor([[1], [3]], () => observed)).toMatchObject({ satisfied: true });
    expect(await conditionFor([[1], [3]], () => observed * (1 - 2 ** -52))).toMatchObject({ satisfied: false });
  });

  it('does not depend on the scale or the order of the updates', async () => {
    const shape = { n: 6, f: 2, d: 4 };
    await fc.assert(
      fc.asyncProperty(fc.nat(1e6), fc.constantFrom('honest', 'sign flips', 'alie'), async (seed, kind) => {
        const rows = hostileCohort(kind, shape, seed);
        const observed = (await conditionFor(rows, () => 1))?.observed ?? NaN;
        const other = rows.toReversed().map((row) => row.map((value) => 4 * value));
        expect((await conditionFor(other, () => 1))?.observed).toBeCloseTo(observed, 6);
      }),
      { numRuns: 30, seed: 3 },
    );
  });

  it('observes no bound where the mean is lost in rounding', async () => {
    // Of `allBut` float64 sums make a squared mean of 3e-16.
    const nothing = [[1, 0.1], [-1, -0.1], [0.3, 7], [-0.3, -7]]; // prettier-ignore
    const allBut = [[1.7, 0.3], [-0.6, 1.1], [-1.1, -1.4]]; // prettier-ignore
    for (const rows of [nothing, allBut])
      expect(await conditionFor(rows, () => 1e6)).toMatchObject({ observed: Infinity, satisfied: false });
  });

  it('observes 0 of equal updates, of zeros too', async () => {
    expect(await conditionFor([[2], [2]], () => 0)).toMatchObject({ observed: 0, satisfied: true });
    expect(await conditionFor([[0], [0]], () => 0)).toMatchObject({ observed: 0, satisfied: true });
  });

  it('is null without a limit, without one for this f, and of a single update', async () => {
    expect(await conditionFor([[1], [3]], null)).toBeNull();
    expect(await conditionFor([[1], [3]], (n, f) => n / f)).toBeNull();
    expect(await conditionFor([[1]], () => 1)).toBeNull();
  });
});

describe('conditionWarning', () => {
  const warningFor = (observed: number, limit: number) => {
    const condition = { observed, limit, satisfied: observed <= limit, source: 'a theorem' };
    return conditionWarning(ruleWith(() => limit), condition); // prettier-ignore
  };

  it('names both figures, and that attackers influence what was observed', () => {
    const warning = warningFor(0.98765, 0.12345);
    for (const part of ['a-rule', 'a theorem', '0.988', '0.123', 'attackers influence'])
      expect(warning).toContain(part);
  });

  it('is no word of Infinity', () => {
    expect(warningFor(Infinity, 0.5)).toContain('has no bound');
    expect(warningFor(Infinity, 0.5)).not.toContain('Infinity');
  });

  it('is null where the condition holds or there is none', () => {
    expect(warningFor(0.1, 0.2)).toBeNull();
    expect(conditionWarning(ruleWith(null), null)).toBeNull();
  });
});
