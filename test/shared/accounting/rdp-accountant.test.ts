import { describe, expect, it } from 'vitest';
import { sampledGaussian } from '../../../shared/accounting/privacy-event.ts';
import { RDP_ACCOUNTANT, rdpAccountant, rdpAccountantWith } from '../../../shared/accounting/rdp-accountant.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { fc } from '../../support/properties.ts';

const steps = [sampledGaussian(1.5, 0.04, 2250)];

describe('the RDP accountant', () => {
  it('names the order that gave the bound', () => {
    expect(rdpAccountant.epsilon(steps, 1e-5)).toMatchObject({ order: 3.9, errorBound: null, warnings: [] });
    expect(rdpAccountant.delta(steps, 7)).toMatchObject({ order: 3.8, errorBound: null, warnings: [] });
  });

  it('warns when the best order is an end of the list, and only then', () => {
    const bestAt = (orders: readonly number[]): readonly string[] =>
      rdpAccountantWith({ orders }).epsilon(steps, 1e-5).warnings;
    expect(bestAt([2, 3.9, 8])).toEqual([]);
    expect(bestAt([2, 3])).toEqual([expect.stringContaining('best order is 3, the largest')]);
    expect(bestAt([5, 6])).toEqual([expect.stringContaining('best order is 5, the smallest')]);
    expect(rdpAccountant.epsilon([sampledGaussian(1000, 0.001)], 1e-12).warnings).toHaveLength(1);
  });

  it('gives the same to the last bit where it remembers, whatever it was asked before', () => {
    const remembering = rdpAccountantWith({ remembers: true });
    const few = fc.constantFrom(0.5, 0.9, 1);
    const event = fc.record({ noiseMultiplier: few, samplingRate: few, steps: fc.integer({ min: 0, max: 9 }) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 6 }), (history) => {
        expect(remembering.epsilon(history, 1e-5)).toEqual(rdpAccountant.epsilon(history, 1e-5));
      }),
      { numRuns: 30 },
    );
    expect(remembering.version).toBe(RDP_ACCOUNTANT);
  });

  it('never gives less with fewer orders', () => {
    const all = rdpAccountant.epsilon(steps, 1e-5).epsilon;
    for (const orders of [[3.9], [2, 5, 8], [64]]) {
      expect(rdpAccountantWith({ orders }).epsilon(steps, 1e-5).epsilon).toBeGreaterThanOrEqual(all);
    }
  });

  it('says in its version when orders or conversion are not those that are enforced', () => {
    expect(rdpAccountantWith().version).toBe(RDP_ACCOUNTANT);
    expect(rdpAccountantWith({ orders: [2, 3] }).version).toContain('improved, 2 orders');
    expect(rdpAccountantWith({ conversion: 'classic' }).version).toContain('classic');
  });

  it('gives no order where nothing was spent, or nothing helps', () => {
    expect(rdpAccountant.epsilon([], 1e-5)).toMatchObject({ epsilon: 0, order: null, warnings: [] });
    expect(rdpAccountant.epsilon([sampledGaussian(0, 0.1)], 1e-5)).toMatchObject({ epsilon: Infinity, order: null });
    expect(rdpAccountant.delta([], 0)).toMatchObject({ delta: 0, order: null });
  });

  it.each([1, 0.5, -3, NaN, Infinity])('has no order %d', (order) => {
    expect(() => rdpAccountantWith({ orders: [2, order] }).epsilon(steps, 1e-5)).toThrow(InvariantError);
  });
});
