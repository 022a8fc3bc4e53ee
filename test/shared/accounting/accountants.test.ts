import { describe, expect, it } from 'vitest';
import { accountantNames } from '../../../shared/accounting/accountant.ts';
import { accountants } from '../../../shared/accounting/accountants.ts';
import { exactAccountant } from '../../../shared/accounting/exact-gaussian.ts';
import {
  composed,
  counted,
  gaussian,
  type PrivacyEvent,
  sampledGaussian,
} from '../../../shared/accounting/privacy-event.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { fc } from '../../support/properties.ts';

const noise = fc.double({ min: 0.6, max: 8, noNaN: true });
const rate = fc.double({ min: 1e-3, max: 1, noNaN: true });
const steps = fc.integer({ min: 1, max: 300 });
const delta = fc.constantFrom(1e-3, 1e-5, 1e-7);
const more = fc.double({ min: 1.01, max: 2, noNaN: true });
const few = { numRuns: 8 };

describe.each(accountantNames)('the accountant %s', (name) => {
  const accountant = accountants[name];
  /** Exact holds for full participation alone. */
  const one = (s: number, q: number, k: number): readonly PrivacyEvent[] => [
    sampledGaussian(s, name === 'exact' ? 1 : q, k),
  ];
  const epsilonOf = (events: readonly PrivacyEvent[], d: number): number => accountant.epsilon(events, d).epsilon;
  /** Epsilon without what numerical work may have added to it or to another figure. */
  const leastEpsilonOf = (events: readonly PrivacyEvent[], d: number): number => {
    const { epsilon, errorBound } = accountant.epsilon(events, d);
    return epsilon - 1e-9 - 2 * (errorBound ?? 0);
  };

  it('has a versioned name', () => {
    expect(accountant.name).toBe(name);
    expect(accountant.version).toMatch(/^[a-z][a-z-]*\/[1-9]\d*$/);
  });

  it('grows with steps, sampling rate and less noise, and shrinks as delta grows', () => {
    fc.assert(
      fc.property(noise, rate, fc.tuple(steps, delta, more), (s, q, [k, d, factor]) => {
        const base = leastEpsilonOf(one(s, q, k), d);
        expect(epsilonOf(one(s, q, Math.ceil(k * factor)), d)).toBeGreaterThanOrEqual(base);
        expect(epsilonOf(one(s, Math.min(1, q * factor), k), d)).toBeGreaterThanOrEqual(base);
        expect(epsilonOf(one(s / factor, q, k), d)).toBeGreaterThanOrEqual(base);
        expect(epsilonOf(one(s, q, k), d / factor)).toBeGreaterThanOrEqual(base);
      }),
      few,
    );
  });

  it('is never below the exact Gaussian at full participation, and near it', () => {
    fc.assert(
      fc.property(noise, steps, delta, (s, k, d) => {
        const history = [sampledGaussian(s, 1, k)];
        const exact = exactAccountant.epsilon(history, d).epsilon;
        const epsilon = epsilonOf(history, d);
        expect(epsilon).toBeGreaterThanOrEqual(exact * (1 - 1e-12));
        expect(epsilon).toBeLessThanOrEqual(1.2 * exact + 0.2);
        const exactDelta = exactAccountant.delta(history, exact).delta;
        expect(accountant.delta(history, exact).delta).toBeGreaterThanOrEqual(exactDelta * (1 - 1e-9));
      }),
      few,
    );
  });

  it('says the same of k composes and of compose k, for every event', () => {
    const event = composed(gaussian(2), ...one(1.2, 0.05, 3), ...one(1.2, 0.05, 4), ...one(3, 0.2, 1));
    for (const each of [gaussian(2), ...one(1.2, 0.05, 3), event, counted(event, 2)]) {
      const repeated = Array.from({ length: 5 }, () => each);
      expect(accountant.epsilon([counted(each, 5)], 1e-5)).toEqual(accountant.epsilon(repeated, 1e-5));
      expect(accountant.delta([counted(each, 5)], 1)).toEqual(accountant.delta(repeated, 1));
    }
  });

  it('gives a delta at an epsilon that is the epsilon of that delta, or less', () => {
    fc.assert(
      fc.property(noise, rate, fc.tuple(steps, delta), (s, q, [k, d]) => {
        const history = one(s, q, k);
        const epsilon = epsilonOf(history, d);
        const back = accountant.delta(history, epsilon).delta;
        expect(back).toBeLessThanOrEqual(d * 1.05);
        const most = accountant.delta(history, 0).delta;
        expect(most).toBeGreaterThanOrEqual(back);
        expect(most).toBeLessThanOrEqual(1);
      }),
      few,
    );
  });

  it('is 0 for no event and infinite after one step without noise', () => {
    expect(epsilonOf([], 1e-5)).toBe(0);
    expect(accountant.delta([], 0).delta).toBe(0);
    expect(epsilonOf([gaussian(1), gaussian(0)], 1e-5)).toBe(Infinity);
    expect(accountant.delta([gaussian(1), gaussian(0)], 5).delta).toBe(1);
  });

  it.each([0, 1, -1e-5, NaN])('has no meaning at delta %d', (d) => {
    expect(() => accountant.epsilon([gaussian(1)], d)).toThrow(InvariantError);
  });

  it.each([-1, NaN, Infinity])('has no meaning at epsilon %d', (epsilon) => {
    expect(() => accountant.delta([gaussian(1)], epsilon)).toThrow(InvariantError);
  });

  it('refuses an unsound event', () => {
    expect(() => accountant.epsilon([sampledGaussian(1, 1, -1)], 1e-5)).toThrow(InvariantError);
    expect(() => accountant.delta([sampledGaussian(-1, 1)], 1)).toThrow(InvariantError);
  });
});
