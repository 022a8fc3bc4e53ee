import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrateNoiseMultiplier } from '../../../shared/accounting/calibrate.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';

const target = fc.record({
  samplingRate: fc.double({ min: 1e-4, max: 1, noNaN: true }),
  steps: fc.integer({ min: 1, max: 10_000 }),
  epsilon: fc.double({ min: 0.2, max: 20, noNaN: true }),
  delta: fc.constantFrom(1e-3, 1e-4, 1e-5, 1e-6),
});
const demo = { samplingRate: 0.1, steps: 150, epsilon: 8, delta: 1e-4 };

describe('calibration', () => {
  it('never overshoots the budget, leaves room for rounding, and finds the least noise within 1e-6', () => {
    fc.assert(
      fc.property(target, ({ samplingRate, steps, epsilon, delta }) => {
        const noiseMultiplier = calibrateNoiseMultiplier({ samplingRate, steps, epsilon, delta });
        const spent = (noise: number): number => epsilonOf([{ noiseMultiplier: noise, samplingRate, steps }], delta);
        expect(spent(noiseMultiplier)).toBeLessThanOrEqual(epsilon * (1 - 0.9e-9));
        expect(spent(noiseMultiplier * (1 - 1e-6))).toBeGreaterThan(epsilon);
      }),
      { numRuns: 40 },
    );
  });

  it('asks for more noise when the budget shrinks or the steps grow', () => {
    const noise = calibrateNoiseMultiplier(demo);
    expect(calibrateNoiseMultiplier({ ...demo, epsilon: 4 })).toBeGreaterThan(noise);
    expect(calibrateNoiseMultiplier({ ...demo, steps: 300 })).toBeGreaterThan(noise);
    expect(calibrateNoiseMultiplier({ ...demo, samplingRate: 0.2 })).toBeGreaterThan(noise);
    expect(calibrateNoiseMultiplier({ ...demo, delta: 1e-6 })).toBeGreaterThan(noise);
  });

  it('gives the demo its noise: 1.0216 for 150 steps at rate 0.1 and epsilon 8', () => {
    const noiseMultiplier = calibrateNoiseMultiplier(demo);
    expect(noiseMultiplier).toBeCloseTo(1.0215502, 6);
    expect(epsilonOf([{ noiseMultiplier, samplingRate: 0.1, steps: 150 }], 1e-4)).toBeCloseTo(8, 6);
  });

  // Vectors 38 and 39 (opacus accountants_test.py; its search stops up to 0.01 below the budget).
  it.each([
    [2250, 1.416],
    [2000, 1.3562],
  ])('for epsilon 8 in %d steps at rate 0.04 asks for no more than Opacus’s %d', (steps, theirs) => {
    const found = calibrateNoiseMultiplier({ samplingRate: 0.04, steps, epsilon: 8, delta: 1e-5 });
    expect(found).toBeLessThan(theirs);
    expect(found).toBeGreaterThan(theirs * 0.9998);
  });

  it('never returns no noise at all, however large the budget', () => {
    expect(calibrateNoiseMultiplier({ ...demo, epsilon: 1e300 })).toBeGreaterThan(0);
    expect(calibrateNoiseMultiplier({ ...demo, steps: 0 })).toBeGreaterThan(0);
  });

  it('says so where no noise meets the budget', () => {
    const hopeless = { ...demo, epsilon: 1e-6, delta: 1e-12 };
    expect(() => calibrateNoiseMultiplier(hopeless)).toThrow(/found epsilon 0.000001 at delta 1e-12 for 150 steps/);
  });

  it.each([{ epsilon: 0 }, { epsilon: -1 }, { epsilon: NaN }, { epsilon: Infinity }, { delta: 0 }, { steps: 1.5 }])(
    'throws for %j',
    (wrong) => {
      expect(() => calibrateNoiseMultiplier({ ...demo, ...wrong })).toThrow(InvariantError);
      expect(() => calibrateNoiseMultiplier({ ...demo, ...wrong })).not.toThrow('that some noise meets');
    },
  );
});
