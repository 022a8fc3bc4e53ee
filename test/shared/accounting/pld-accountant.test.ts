import { describe, expect, it } from 'vitest';
import { pldAccountant } from '../../../shared/accounting/pld-accountant.ts';
import { gaussian, sampledGaussian } from '../../../shared/accounting/privacy-event.ts';
import { rdpAccountant } from '../../../shared/accounting/rdp-accountant.ts';
import { fc } from '../../support/properties.ts';

describe('numerical composition beside RDP', () => {
  it('is never above it by more than its numerical error', () => {
    const noise = fc.double({ min: 0.7, max: 5, noNaN: true });
    const rate = fc.double({ min: 1e-3, max: 1, noNaN: true });
    fc.assert(
      fc.property(noise, rate, fc.integer({ min: 1, max: 200 }), (s, q, k) => {
        const history = [sampledGaussian(s, q, k)];
        const { epsilon, errorBound } = pldAccountant.epsilon(history, 1e-5);
        expect(epsilon - (errorBound ?? NaN)).toBeLessThanOrEqual(rdpAccountant.epsilon(history, 1e-5).epsilon);
      }),
      { numRuns: 15 },
    );
  });

  it('is a fifth of it for few steps at a small rate: row 13', () => {
    const history = [sampledGaussian(0.8, 0.001, 100)];
    expect(pldAccountant.epsilon(history, 1e-6).epsilon).toBeLessThan(0.2705);
    expect(rdpAccountant.epsilon(history, 1e-6).epsilon).toBeGreaterThan(1.37);
  });

  it.each([
    ['1,000 examples, batch 32, 50 epochs', 1.1, 0.032, 1563, 1e-5, 7.0325],
    ['200 examples, batch 20, 30 epochs', 1, 0.1, 300, 1e-3, 9.0495],
    ['600 examples, batch 60, 20 epochs', 1.3, 0.1, 200, 1e-4, 5.4317],
  ])('is dp_accounting’s for clients of the size of federated learning: %s', (_, noise, rate, steps, delta, theirs) => {
    expect(Math.abs(pldAccountant.epsilon([sampledGaussian(noise, rate, steps)], delta).epsilon - theirs)).toBeLessThan(
      1e-3,
    );
  });

  it('has dp_accounting’s delta 0.15594 at epsilon 1 for noise 0.5, rate 0.2, 3 steps (row 29)', () => {
    expect(pldAccountant.delta([sampledGaussian(0.5, 0.2, 3)], 1).delta).toBeCloseTo(0.15594, 3);
  });

  it('warns where numerical work makes up much of the figure, or gave up, and not elsewhere', () => {
    expect(pldAccountant.epsilon([sampledGaussian(1.1, 0.01, 100)], 1e-5).warnings).toEqual([]);
    expect(pldAccountant.epsilon([sampledGaussian(1.1, 0.01, 0)], 1e-5).warnings).toEqual([]);
    const loose = [expect.stringContaining('rdp may give less')];
    expect(pldAccountant.epsilon([sampledGaussian(5, 0.5, 1e9)], 1e-5)).toMatchObject({
      epsilon: Infinity,
      warnings: loose,
    });
    expect(pldAccountant.epsilon([gaussian(2 ** -10)], 1e-5).warnings).toEqual(loose);
    // Far below 1e-40, of which this precision resolves nothing.
    const tiny = pldAccountant.delta([sampledGaussian(1.1, 0.01, 10)], 50);
    expect(tiny.delta).toBeLessThan(1e-40);
    expect(tiny.warnings).toEqual(loose);
  });
});
