import { describe, expect, it } from 'vitest';
import { sumNoiseMultiplier } from '../../../client-sdk/privacy/adaptive-clipping.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { rdpOf } from '../../../shared/accounting/rdp.ts';
import { fc } from '../../support/properties.ts';

describe('sumNoiseMultiplier', () => {
  it('leaves sum and count together at the cost of the sum alone, at full participation exactly', () => {
    const asked = fc.record({
      noiseMultiplier: fc.double({ min: 0.3, max: 10, noNaN: true }),
      times: fc.double({ min: 1.05, max: 50, noNaN: true }),
    });
    fc.assert(
      fc.property(asked, ({ noiseMultiplier, times }) => {
        const countNoiseStdDev = (times * noiseMultiplier) / 2;
        const ofSum = sumNoiseMultiplier(noiseMultiplier, countNoiseStdDev);
        expect(ofSum).toBeGreaterThan(noiseMultiplier);
        const cost = (multiplier: number): number =>
          rdpOf({ noiseMultiplier: multiplier, samplingRate: 1, steps: 1 })[0] ?? NaN;
        // The count moves by 1/2 at most.
        const together = cost(ofSum) + cost(countNoiseStdDev / 0.5);
        expect(together / cost(noiseMultiplier)).toBeCloseTo(1, 9);
      }),
      { seed: 1 },
    );
  });

  it('is the figure of the paper for its example: noise 1, a count known to 5 % of 100 examples', () => {
    // (1 - (2 x 5)^-2)^(-1/2)
    expect(sumNoiseMultiplier(1, 5)).toBeCloseTo(1.0050378152592121, 12);
    const event = { samplingRate: 1, steps: 1 };
    expect(epsilonOf([{ ...event, noiseMultiplier: 1.0050378152592121 }], 1e-5)).toBeLessThan(
      epsilonOf([{ ...event, noiseMultiplier: 1 }], 1e-5),
    );
  });

  it.each([0.5, 0.1, 0, NaN])('refuses a count under noise of %s examples, which alone passes the budget', (noise) => {
    expect(() => sumNoiseMultiplier(1, noise)).toThrow(/noise of more than 0.5 examples on the count/);
  });
});
