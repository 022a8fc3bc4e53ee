import { describe, expect, it } from 'vitest';
import { PLD_ACCOUNTANT, pldDelta, pldEpsilon } from '../../../../shared/accounting/pld/pld.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { DP_ACCOUNTING, eventOf, EXACT_DELTAS, EXACT_EPSILONS, PRV } from './vectors.ts';
import { fc } from '../../../support/properties.ts';

const event = fc.record({
  noiseMultiplier: fc.double({ min: 0.5, max: 10, noNaN: true }),
  samplingRate: fc.double({ min: 0.005, max: 1, noNaN: true }),
  steps: fc.integer({ min: 1, max: 300 }),
});
const delta = fc.constantFrom(1e-3, 1e-5, 1e-6, 1e-8, 1e-10);
const few = { numRuns: 12 };
const sound = { noiseMultiplier: 1.1, samplingRate: 0.05, steps: 10 };
/** What an oracle's last printed digit leaves open. */
const LAST_DIGIT = 1 - 2e-12;

describe('epsilon by numerical composition', () => {
  it('is never below the exact epsilon of one step, or of many at rate 1, and above it by less than its error bound', () => {
    expect(EXACT_EPSILONS.length).toBeGreaterThan(20);
    for (const { delta: d, epsilon: exact, ...one } of EXACT_EPSILONS) {
      const { epsilon, errorBound } = pldEpsilon([one], d);
      const row = JSON.stringify({ ...one, d, epsilon, errorBound });
      expect(epsilon, row).toBeGreaterThanOrEqual(exact * LAST_DIGIT);
      expect(epsilon - exact, row).toBeLessThanOrEqual(errorBound);
      expect(errorBound, row).toBeLessThan(2e-3 * Math.max(1, exact / 10));
    }
  });

  it.each(PRV)('for noise %d, rate %d, %d steps at %d is below PRV’s %d by no more than PRV’s error', (...vector) => {
    const { epsilon } = pldEpsilon([eventOf(vector)], vector[3]);
    expect(epsilon).toBeLessThan(vector[4] - 0.009);
    expect(epsilon).toBeGreaterThan(vector[4] - 0.012);
  });

  it.each(DP_ACCOUNTING)('for noise %d, rate %d, %d steps at %d comes to dp_accounting’s %d', (...vector) => {
    const { epsilon } = pldEpsilon([eventOf(vector)], vector[3]);
    expect(Math.abs(epsilon - vector[4])).toBeLessThan(1e-3);
  });

  it('composes unlike mechanisms: 2.303138 by dp_accounting', () => {
    const history = [
      { noiseMultiplier: 1, samplingRate: 0.01, steps: 1000 },
      { noiseMultiplier: 1.5, samplingRate: 0.02, steps: 500 },
    ];
    expect(pldEpsilon(history, 1e-5).epsilon).toBeCloseTo(2.303138, 3);
  });

  it('grows with steps, with less noise and with a smaller delta', () => {
    fc.assert(
      fc.property(event, delta, (one, d) => {
        const { epsilon, errorBound } = pldEpsilon([one], d);
        const least = epsilon - errorBound;
        expect(pldEpsilon([{ ...one, steps: one.steps + 1 }], d).epsilon).toBeGreaterThanOrEqual(least);
        expect(pldEpsilon([{ ...one, noiseMultiplier: one.noiseMultiplier * 0.95 }], d).epsilon).toBeGreaterThanOrEqual(
          least,
        );
        expect(pldEpsilon([one], d / 2).epsilon).toBeGreaterThanOrEqual(least);
      }),
      few,
    );
  });

  it('is the same however a history is cut into events', () => {
    fc.assert(
      fc.property(event, event, delta, (one, other, d) => {
        const twice = [{ ...one, steps: 2 * one.steps }, other];
        expect(pldEpsilon([one, other, one], d)).toEqual(pldEpsilon(twice, d));
      }),
      few,
    );
  });

  it('has the delta that it was asked for', () => {
    fc.assert(
      fc.property(event, delta, (one, d) => {
        const { epsilon } = pldEpsilon([one], d);
        if (epsilon === 0) return;
        const back = pldDelta([one], epsilon);
        expect(back.delta).toBeLessThan(d * 1.005);
        expect(back.delta).toBeGreaterThan(d * 0.995);
      }),
      few,
    );
  });

  it('goes on to 50 000 steps and an epsilon of 69', () => {
    const { epsilon, errorBound } = pldEpsilon([{ noiseMultiplier: 1.5, samplingRate: 0.05, steps: 50_000 }], 1e-5);
    expect(epsilon).toBeCloseTo(69.016, 2);
    expect(errorBound).toBeLessThan(3e-3);
  });

  it('is 0 for nothing, and as soon as delta covers all that can be told', () => {
    const nothing = { epsilon: 0, errorBound: 0 };
    expect(pldEpsilon([], 1e-5)).toEqual(nothing);
    expect(pldEpsilon([{ ...sound, steps: 0, noiseMultiplier: 0 }], 1e-5)).toEqual(nothing);
    expect(pldEpsilon([{ ...sound, samplingRate: 0 }], 1e-5)).toEqual(nothing);
    expect(pldEpsilon([{ ...sound, steps: 1, samplingRate: 1e-6 }], 1e-5).epsilon).toBe(0);
    expect(pldEpsilon([{ noiseMultiplier: 1, samplingRate: 1, steps: 1 }], 0.39).epsilon).toBe(0); // total variation 0.3829
  });

  it('is infinite without noise, and with so little that a step’s loss is beyond the grid', () => {
    expect(pldEpsilon([sound, { ...sound, noiseMultiplier: 0 }], 1e-5)).toEqual({ epsilon: Infinity, errorBound: 0 });
    expect(pldEpsilon([{ ...sound, noiseMultiplier: 2 ** -10 }], 1e-5).epsilon).toBe(Infinity);
    expect(pldEpsilon([{ ...sound, noiseMultiplier: 0.02, steps: 1, samplingRate: 1e-3 }], 1e-5).epsilon).toBe(
      Infinity,
    );
  });

  it('gives up rather than memory where no grid holds the history', () => {
    expect(pldEpsilon([{ noiseMultiplier: 5, samplingRate: 0.5, steps: 1e9 }], 1e-5).epsilon).toBe(Infinity);
  });

  it.each([{ noiseMultiplier: -1 }, { noiseMultiplier: NaN }, { samplingRate: 1.1 }, { steps: 1.5 }, { steps: -1 }])(
    'throws for %j',
    (wrong) => {
      expect(() => pldEpsilon([sound, { ...sound, ...wrong }], 1e-5)).toThrow(InvariantError);
      expect(() => pldDelta([sound, { ...sound, ...wrong }], 1)).toThrow(InvariantError);
    },
  );

  it.each([0, 0.9e-30, 1, -1, NaN])('throws at delta %d', (wrong) => {
    expect(() => pldEpsilon([sound], wrong)).toThrow(/expected a delta from 1e-30 to below 1/);
  });

  it('names its version', () => {
    expect(PLD_ACCOUNTANT).toBe('pld-fft/1');
  });
});

describe('delta by numerical composition', () => {
  it('is never below the exact delta of one to three steps, of either direction, and above it by less than its error bound', () => {
    expect(EXACT_DELTAS.length).toBeGreaterThan(60);
    for (const { events, epsilon, remove, add, mechanisms } of EXACT_DELTAS) {
      const exact = Math.max(remove, add);
      const { delta: found, errorBound } = pldDelta(events, epsilon);
      const unsure = exact * 2e-12;
      const row = JSON.stringify({ mechanisms, epsilon, exact, found, errorBound });
      expect(found, row).toBeGreaterThanOrEqual(exact - unsure);
      expect(found - exact, row).toBeLessThanOrEqual(errorBound + unsure);
      expect(errorBound, row).toBeLessThanOrEqual(Math.max(1e-40, 5e-3 * found));
    }
  });

  it('takes the Fourier accountant’s figure for 10 000 steps: 4.2435e-6 at epsilon 1 (DPBayes/PLD-Accountant)', () => {
    const { delta: found } = pldDelta([{ noiseMultiplier: 4, samplingRate: 0.01, steps: 10_000 }], 1);
    expect(Math.abs(found / 4.2435e-6 - 1)).toBeLessThan(1e-3);
  });

  it('still counts what was cut off where no loss of the grid is larger than epsilon', () => {
    const exact = 5.1489458e-46; // phi(0.5 - 14.5) - e^14.5 phi(-0.5 - 14.5) at 40 digits
    expect(pldDelta([{ noiseMultiplier: 1, samplingRate: 1, steps: 1 }], 14.5).delta).toBeGreaterThan(exact);
  });

  it('is 0 for nothing and 1 without noise', () => {
    expect(pldDelta([], 1)).toEqual({ delta: 0, errorBound: 0 });
    expect(pldDelta([{ ...sound, noiseMultiplier: 0 }], 1)).toEqual({ delta: 1, errorBound: 0 });
    expect(pldDelta([{ ...sound, noiseMultiplier: 0.01, samplingRate: 1 }], 100).delta).toBe(1);
  });

  it.each([-1, NaN, Infinity])('throws at epsilon %d', (wrong) => {
    expect(() => pldDelta([sound], wrong)).toThrow(/expected a finite epsilon of at least 0/);
  });
});
