import { describe, expect, it } from 'vitest';
import { accountants } from '../../../shared/accounting/accountants.ts';
import { calibrateNoiseMultiplier, calibrateSteps } from '../../../shared/accounting/calibrate.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { fc } from '../../support/properties.ts';

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

describe('calibration by another accountant', () => {
  it.each(['pld', 'exact'] as const)('keeps within the budget by %s, with less noise than RDP asks for', (name) => {
    const full = { ...demo, samplingRate: name === 'exact' ? 1 : 0.1 };
    const noiseMultiplier = calibrateNoiseMultiplier(full, accountants[name]);
    const cost = (noise: number): number =>
      accountants[name].epsilon([{ ...full, noiseMultiplier: noise }], full.delta).epsilon;
    expect(cost(noiseMultiplier)).toBeLessThanOrEqual(8);
    expect(cost(noiseMultiplier * (1 - 1e-4))).toBeGreaterThan(8);
    expect(noiseMultiplier).toBeLessThan(calibrateNoiseMultiplier(full));
  });

  // Rows 28, 31 and 32 (jax_privacy's accounting doctest; dp_accounting pld/accountant_test.py, sensitivity 6 in the last).
  it.each([
    [28, { samplingRate: 0.1, steps: 512, epsilon: 1, delta: 1e-6 }, 9.6618, 1e-4],
    [31, { samplingRate: 0.01, steps: 1, epsilon: 1, delta: 1e-5 }, 0.67379294682, 1e-4],
    [32, { samplingRate: 0.001, steps: 25, epsilon: 1, delta: 1e-5 }, 3.20956502598 / 6, 1e-4],
  ])('by numerical composition gives the noise of row %d', (_, asked, theirs, precision) => {
    const found = calibrateNoiseMultiplier(asked, accountants.pld);
    expect(Math.abs(found / theirs - 1)).toBeLessThan(precision);
  });

  // Rows 38 and 39 by PRV, which is up to 0.01 of epsilon above the truth, and stops up to 0.01 below the budget.
  it.each([
    [2250, 1.34765625],
    [2000, 1.2915],
  ])('by numerical composition asks for no more noise than Opacus’s PRV in %d steps', (steps, theirs) => {
    const found = calibrateNoiseMultiplier({ samplingRate: 0.04, steps, epsilon: 8, delta: 1e-5 }, accountants.pld);
    expect(found).toBeLessThan(theirs);
    expect(found).toBeGreaterThan(theirs * 0.997);
  });
});

describe('the most steps', () => {
  const terms = { samplingRate: 0.1, noiseMultiplier: 3, epsilon: 2, delta: 1e-6 };

  it('keep within the budget, and one more does not', () => {
    const noise = fc.double({ min: 0.5, max: 10, noNaN: true });
    const rate = fc.double({ min: 0.01, max: 1, noNaN: true });
    const epsilon = fc.double({ min: 0.1, max: 20, noNaN: true });
    fc.assert(
      fc.property(noise, rate, epsilon, (noiseMultiplier, samplingRate, budget) => {
        const mechanism = { noiseMultiplier, samplingRate };
        const steps = calibrateSteps({ ...mechanism, epsilon: budget, delta: 1e-5 });
        expect(epsilonOf([{ ...mechanism, steps }], 1e-5)).toBeLessThanOrEqual(budget);
        expect(epsilonOf([{ ...mechanism, steps: steps + 1 }], 1e-5)).toBeGreaterThan(budget * (1 - 1e-8));
      }),
      { numRuns: 25 },
    );
  });

  it.each(['rdp', 'pld', 'exact'] as const)('are found by %s as well', (name) => {
    const asked = { ...terms, samplingRate: name === 'exact' ? 1 : 0.1 };
    const steps = calibrateSteps(asked, accountants[name]);
    const cost = (count: number): number => accountants[name].epsilon([{ ...asked, steps: count }], 1e-6).epsilon;
    expect(cost(steps)).toBeLessThanOrEqual(2);
    expect(cost(steps + 1)).toBeGreaterThan(2);
  });

  it('are 155 by numerical composition where jax_privacy says 155 (row 28)', () => {
    expect(calibrateSteps({ samplingRate: 0.1, noiseMultiplier: 3, epsilon: 2, delta: 1e-6 }, accountants.pld)).toBe(
      155,
    );
  });

  it('are none where a single one costs more, and never beyond counting', () => {
    expect(calibrateSteps({ ...terms, noiseMultiplier: 0.3, epsilon: 0.1 })).toBe(0);
    expect(calibrateSteps({ ...terms, epsilon: 1e12 })).toBe(2 ** 40);
  });

  it.each([{ epsilon: 0 }, { epsilon: NaN }, { delta: 1 }, { samplingRate: 2 }, { noiseMultiplier: -1 }])(
    'throw for %j',
    (wrong) => {
      expect(() => calibrateSteps({ ...terms, ...wrong })).toThrow(InvariantError);
    },
  );
});
