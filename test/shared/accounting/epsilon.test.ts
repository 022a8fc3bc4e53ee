import { describe, expect, it } from 'vitest';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { fc } from '../../support/properties.ts';

const event = fc.record({
  noiseMultiplier: fc.double({ min: 0.3, max: 20, noNaN: true }),
  samplingRate: fc.double({ min: 1e-5, max: 1, noNaN: true }),
  steps: fc.integer({ min: 0, max: 5000 }),
});
const history = fc.array(event, { maxLength: 4 });
const delta = fc.constantFrom(1e-3, 1e-4, 1e-5, 1e-7, 1e-10);
const sound = { noiseMultiplier: 1.1, samplingRate: 0.05, steps: 10 };
const ROUNDING = 1 + 1e-12;

const epsilonOfOne = (noiseMultiplier: number, samplingRate: number, steps: number, deltaOfOne: number): number =>
  epsilonOf([{ noiseMultiplier, samplingRate, steps }], deltaOfOne);

describe('epsilon', () => {
  it('never falls when a history goes on', () => {
    fc.assert(
      fc.property(history, event, delta, (past, next, d) => {
        expect(epsilonOf(past, d)).toBeLessThanOrEqual(epsilonOf([...past, next], d) * ROUNDING);
      }),
    );
  });

  it('grows with steps, with the sampling rate and with less noise', () => {
    const more = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(event, delta, fc.nat({ max: 1000 }), more, (one, d, extraSteps, share) => {
        const atMost = epsilonOf([one], d) * ROUNDING;
        const { noiseMultiplier, samplingRate, steps } = one;
        expect(epsilonOf([{ ...one, steps: steps + extraSteps }], d) * ROUNDING).toBeGreaterThanOrEqual(
          atMost / ROUNDING,
        );
        expect(epsilonOf([{ ...one, noiseMultiplier: noiseMultiplier * (1 + share) }], d)).toBeLessThanOrEqual(atMost);
        expect(epsilonOf([{ ...one, samplingRate: samplingRate * share }], d)).toBeLessThanOrEqual(atMost);
      }),
    );
  });

  it('shrinks as delta grows', () => {
    fc.assert(
      fc.property(history, delta, fc.double({ min: 1, max: 100, noNaN: true }), (past, d, factor) => {
        expect(epsilonOf(past, Math.min(d * factor, 0.5))).toBeLessThanOrEqual(epsilonOf(past, d) * ROUNDING);
      }),
    );
  });

  it('is the same for ten rounds of k steps and one event of 10 k, and does not depend on their order', () => {
    fc.assert(
      fc.property(event, event, delta, (a, b, d) => {
        const rounds = Array.from({ length: 10 }, () => a);
        expect(epsilonOf(rounds, d)).toBe(epsilonOf([{ ...a, steps: 10 * a.steps }], d));
        expect(epsilonOf([...rounds, b], d)).toBe(epsilonOf([b, ...rounds], d));
      }),
    );
  });

  it('of a history is below the sum of its rounds’ epsilons: what is shown is never that sum', () => {
    const round = { noiseMultiplier: 1.03, samplingRate: 0.1, steps: 10 };
    const rounds = Array.from({ length: 15 }, () => round);
    expect(epsilonOf(rounds, 1e-4)).toBeLessThan(0.25 * 15 * epsilonOf([round], 1e-4));
  });

  it('is 0 for no release and infinite after one step without noise', () => {
    expect(epsilonOf([], 1e-5)).toBe(0);
    expect(epsilonOf([{ ...sound, steps: 0 }], 1e-5)).toBe(0);
    expect(epsilonOf([sound, { ...sound, noiseMultiplier: 0, steps: 1 }], 1e-5)).toBe(Infinity);
    expect(epsilonOf([sound, { ...sound, noiseMultiplier: 0, steps: 0 }], 1e-5)).toBeLessThan(10);
  });

  it.each([0, 1, -1e-5, NaN])('has no meaning at delta %d', (d) => {
    expect(() => epsilonOf([sound], d)).toThrow(InvariantError);
    expect(() => epsilonOf([], d)).toThrow(InvariantError);
  });

  it('refuses an unsound event', () => {
    expect(() => epsilonOf([sound, { ...sound, steps: -10 }], 1e-5)).toThrow('steps');
  });
});

describe('epsilon against an independent integration', () => {
  // test/oracles/rdp_epsilon.py (mpmath 1.3.0). The second row is the demo's whole life, the first its first round.
  it.each([
    [1.03, 0.1, 10, 1e-4, 2.62716324575834],
    [1.03, 0.1, 150, 1e-4, 7.87557369877443],
    [2.5, 0.02, 700, 1e-6, 1.03829161764078],
  ])('at noise %d, rate %d, %d steps, delta %d is %d', (noise, rate, steps, d, expected) => {
    expect(epsilonOfOne(noise, rate, steps, d)).toBeCloseTo(expected, 11);
  });

  it('agrees over a history of two mechanisms', () => {
    const first = { noiseMultiplier: 1, samplingRate: 0.01, steps: 1000 };
    const second = { noiseMultiplier: 1.5, samplingRate: 0.02, steps: 500 };
    expect(epsilonOf([first, second], 1e-5)).toBeCloseTo(2.56158337289427, 11);
  });

  // The same script: exact epsilon of T Gaussian releases (Balle and Wang, arXiv 1805.06530, theorem 8).
  it.each([
    [0.7, 2, 1e-5, 10.1224945839075],
    [1, 5, 1e-6, 12.5952467355067],
    [4.530877117, 1, 1e-6, 0.927392337997443],
    [5, 100, 1e-5, 9.9972561464343],
  ])('stays above the exact value without sampling: noise %d, %d steps, delta %d, %d', (noise, steps, d, exact) => {
    const found = epsilonOfOne(noise, 1, steps, d);
    expect(found).toBeGreaterThan(exact);
    expect(found).toBeLessThan(1.1 * exact);
  });
});
