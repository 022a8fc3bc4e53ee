import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { exactAccountant, gaussianDelta, gaussianEpsilon } from '../../../shared/accounting/exact-gaussian.ts';
import { gaussian, sampledGaussian } from '../../../shared/accounting/privacy-event.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { fc } from '../../support/properties.ts';

const rowSchema = z.object({
  noiseMultiplier: z.number(),
  steps: z.number(),
  epsilon: z.number(),
  value: z.string().transform(Number),
});
const figures = readFileSync(new URL('../../oracles/accounting_figures.json', import.meta.url), 'utf8');
const { gaussianDelta: rows } = z.object({ gaussianDelta: z.array(rowSchema) }).parse(JSON.parse(figures));

const noise = fc.double({ min: 0.05, max: 200, noNaN: true });

describe('the exact Gaussian', () => {
  it.each(rows)(
    'of noise $noiseMultiplier, $steps steps, at epsilon $epsilon has the delta of 30 digits',
    ({ noiseMultiplier, steps, epsilon, value }) => {
      const found = exactAccountant.delta([sampledGaussian(noiseMultiplier, 1, steps)], epsilon).delta;
      expect(Math.abs(found / value - 1)).toBeLessThan(1e-11);
    },
  );

  // test/oracles/rdp_epsilon.py, by bisection at 40 digits; row 30 of our list, dp_accounting's PLD at sqrt(3).
  it.each([
    [0.7, 2, 1e-5, 10.1224945839075],
    [1, 5, 1e-6, 12.5952467355067],
    [4.530877117, 1, 1e-6, 0.927392337997443],
    [5, 100, 1e-5, 9.9972561464343],
  ])('has the epsilon of noise %d, %d steps, delta %d', (noiseMultiplier, steps, delta, expected) => {
    const { epsilon } = exactAccountant.epsilon([sampledGaussian(noiseMultiplier, 1, steps)], delta);
    expect(Math.abs(epsilon / expected - 1)).toBeLessThan(1e-11);
  });

  it('has delta 0.126936 at epsilon 1 for three releases of noise sqrt(3) (row 30)', () => {
    const [one] = [gaussian(Math.sqrt(3))];
    expect(exactAccountant.delta([one, one, one], 1).delta).toBeCloseTo(0.126936, 5);
  });

  it('composes by precision: two releases are one of 1 / sqrt(1/s^2 + 1/t^2)', () => {
    fc.assert(
      fc.property(noise, noise, (s, t) => {
        const both = exactAccountant.epsilon([gaussian(s), gaussian(t)], 1e-5).epsilon;
        const one = gaussianEpsilon(1 / Math.hypot(1 / s, 1 / t), 1e-5);
        expect(Math.abs(both - one)).toBeLessThanOrEqual(1e-11 * one);
      }),
    );
  });

  it('gives an epsilon whose delta is met, and that cannot be lowered', () => {
    fc.assert(
      fc.property(noise, fc.constantFrom(1e-2, 1e-5, 1e-9), (s, delta) => {
        const epsilon = gaussianEpsilon(s, delta);
        expect(gaussianDelta(s, epsilon)).toBeLessThanOrEqual(delta);
        if (epsilon > 0) expect(gaussianDelta(s, epsilon * (1 - 1e-9))).toBeGreaterThan(delta);
      }),
    );
  });

  it('is nothing without a release, everything without noise, and survives the edges of float64', () => {
    expect(exactAccountant.epsilon([], 1e-5).epsilon).toBe(0);
    expect(exactAccountant.delta([], 0).delta).toBe(0);
    expect(exactAccountant.epsilon([gaussian(0)], 1e-5).epsilon).toBe(Infinity);
    expect(exactAccountant.delta([gaussian(0)], 3).delta).toBe(1);
    expect(exactAccountant.epsilon([gaussian(1e-200)], 1e-5).epsilon).toBe(Infinity);
    expect(exactAccountant.epsilon([gaussian(1e200)], 1e-5).epsilon).toBe(0);
    expect(exactAccountant.delta([gaussian(1e-3)], 1e5).delta).toBe(1);
  });

  it('accounts for nothing that was sampled', () => {
    const history = [gaussian(1), sampledGaussian(2, 0.99, 3)];
    expect(exactAccountant.complaint(history)).toContain('found sampling rate 0.99');
    expect(() => exactAccountant.epsilon(history, 1e-5)).toThrow(InvariantError);
    expect(() => exactAccountant.delta(history, 1)).toThrow('0.99');
    expect(exactAccountant.complaint([gaussian(1), sampledGaussian(2, 0.5, 0)])).toBeUndefined();
  });
});
