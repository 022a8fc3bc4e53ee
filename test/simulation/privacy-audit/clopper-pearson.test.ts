import { describe, expect, it } from 'vitest';
import { lowerLimit, upperLimit } from '../../../simulation/privacy-audit/clopper-pearson.ts';
import { privacyAuditOracle } from '../../support/privacy-audit-oracle.ts';
import { fc } from '../../support/properties.ts';

const tallies = fc
  .integer({ min: 1, max: 60 })
  .chain((trials) => fc.record({ trials: fc.constant(trials), successes: fc.integer({ min: 0, max: trials }) }));

/** Pascal's rule: the probability of every number of successes. */
function binomial(trials: number, p: number): readonly number[] {
  let chances: number[] = [1];
  for (let trial = 0; trial < trials; trial++) {
    chances = [...chances, 0].map((stay, k) => stay * (1 - p) + (chances[k - 1] ?? 0) * p);
  }
  return chances;
}

describe('the limits of Clopper and Pearson', () => {
  it.each(privacyAuditOracle.clopperPearson)(
    'are quantiles of the beta distribution: $successes of $trials, error $error',
    ({ error, lower, upper, ...tally }) => {
      expect(Math.abs(lowerLimit(tally, error) - lower)).toBeLessThanOrEqual(1e-10 * lower);
      expect(Math.abs(upperLimit(tally, error) - upper)).toBeLessThanOrEqual(1e-10);
    },
  );

  it('miss the true probability no oftener than stated, whatever it is', () => {
    const probabilities = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    const errors = fc.double({ min: 0.001, max: 0.4, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), probabilities, errors, (trials, p, error) => {
        const missed = (isMissed: (successes: number) => boolean): number =>
          binomial(trials, p).reduce((sum, chance, successes) => sum + (isMissed(successes) ? chance : 0), 0);
        expect(missed((successes) => lowerLimit({ successes, trials }, error) > p)).toBeLessThanOrEqual(error);
        expect(missed((successes) => upperLimit({ successes, trials }, error) < p)).toBeLessThanOrEqual(error);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it('lie on either side of the share seen, and are 0 and 1 at its ends alone', () => {
    fc.assert(
      fc.property(tallies, ({ successes, trials }) => {
        const [lower, upper] = [lowerLimit({ successes, trials }, 0.05), upperLimit({ successes, trials }, 0.05)];
        expect(lower).toBeLessThanOrEqual(successes / trials);
        expect(upper).toBeGreaterThanOrEqual(successes / trials);
        expect([lower === 0, upper === 1]).toEqual([successes === 0, successes === trials]);
      }),
      { seed: 1 },
    );
  });
});
