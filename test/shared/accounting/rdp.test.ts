import { describe, expect, it } from 'vitest';
import { composedRdp, ORDERS, rdpOf } from '../../../shared/accounting/rdp.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { fc } from '../../support/properties.ts';

const noiseMultiplier = fc.double({ min: 0.3, max: 20, noNaN: true });
const samplingRate = fc.double({ min: 1e-5, max: 1, noNaN: true });
const steps = fc.integer({ min: 1, max: 5000 });
const event = fc.record({ noiseMultiplier, samplingRate, steps });
const sound = { noiseMultiplier: 1.1, samplingRate: 0.05, steps: 10 };

const relativeError = (found: Float64Array, expected: Float64Array): number =>
  Math.max(...found.map((value, i) => Math.abs(value / (expected[i] ?? NaN) - 1)));

/** log A_a of one step. */
const logMoment = (rate: number, noise: number, order: number): number =>
  (order - 1) * (rdpOf({ noiseMultiplier: noise, samplingRate: rate, steps: 1 })[ORDERS.indexOf(order)] ?? NaN);

describe('Renyi divergence of a history', () => {
  it('adds up over releases', () => {
    fc.assert(
      fc.property(event, event, (a, b) => {
        const sameNoise = { ...b, noiseMultiplier: a.noiseMultiplier };
        const sameRate = { ...b, samplingRate: a.samplingRate };
        for (const other of [b, sameNoise, sameRate, { ...a, steps: b.steps }]) {
          const rdp = rdpOf(other);
          const sum = rdpOf(a).map((value, i) => value + (rdp[i] ?? NaN));
          expect(relativeError(composedRdp([a, other]), sum)).toBeLessThan(1e-14);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is the same whether k composes or composed k times, to the last bit', () => {
    fc.assert(
      fc.property(event, fc.integer({ min: 1, max: 15 }), (once, k) => {
        const repeated = composedRdp(Array.from({ length: k }, () => once));
        expect(repeated).toEqual(rdpOf({ ...once, steps: k * once.steps }));
      }),
    );
  });

  it('is nothing for no release', () => {
    const nothing = new Float64Array(ORDERS.length);
    expect(composedRdp([])).toEqual(nothing);
    expect(rdpOf({ ...sound, steps: 0 })).toEqual(nothing);
    expect(rdpOf({ ...sound, steps: 0, noiseMultiplier: 0 })).toEqual(nothing);
    expect(rdpOf({ ...sound, samplingRate: 0 })).toEqual(nothing);
    expect(rdpOf({ noiseMultiplier: 1e-200, samplingRate: 0, steps: 1 })).toEqual(nothing);
  });

  it('is infinite as soon as one step had no noise, at any rate', () => {
    for (const rate of [0, 1e-9, 0.5, 1]) {
      const bare = { noiseMultiplier: 0, samplingRate: rate, steps: 1 };
      expect(composedRdp([sound, bare]).every((value) => value === Infinity)).toBe(true);
    }
  });
});

describe('Renyi divergence of one event', () => {
  it('grows with the order and is positive', () => {
    fc.assert(
      fc.property(event, (one) => {
        const rdp = rdpOf(one);
        expect(rdp.every((value, i) => value > 0 && value >= (rdp[i - 1] ?? 0) * (1 - 1e-12))).toBe(true);
      }),
    );
  });

  it('grows with the sampling rate up to the plain Gaussian, a / (2 s^2)', () => {
    fc.assert(
      fc.property(event, samplingRate, (one, rate) => {
        const [low, high] = [Math.min(one.samplingRate, rate), Math.max(one.samplingRate, rate)];
        const rare = rdpOf({ ...one, samplingRate: low });
        const often = rdpOf({ ...one, samplingRate: high });
        expect(rare.every((value, i) => value <= (often[i] ?? NaN) * (1 + 1e-12))).toBe(true);
        const always = Float64Array.from(ORDERS, (order) => (one.steps * order) / (2 * one.noiseMultiplier ** 2));
        expect(often.every((value, i) => value <= (always[i] ?? NaN) * (1 + 1e-12))).toBe(true);
      }),
    );
    const nearlyAlways = rdpOf({ ...sound, samplingRate: 1 - 1e-15 });
    expect(relativeError(nearlyAlways, rdpOf({ ...sound, samplingRate: 1 }))).toBeLessThan(1e-11);
  });

  it('at order 2 is log(1 + q^2 (e^(1/s^2) - 1)), to full precision for small rates', () => {
    fc.assert(
      fc.property(noiseMultiplier, fc.double({ min: 1e-9, max: 0.999, noNaN: true }), (noise, rate) => {
        const closed = Math.log1p(rate * rate * Math.expm1(1 / (noise * noise)));
        expect(Math.abs(logMoment(rate, noise, 2) / closed - 1)).toBeLessThan(1e-11);
      }),
    );
  });

  // Vectors 34 and 35: dp_accounting, rdp_privacy_accountant_test.py, rtol 1e-4. Its 6.70579741e-4 at order 1.5 sums the
  // absolute values of an alternating series; test/oracles/accounting_figures.py has 6.50070897e-4.
  it.each([
    [1.5, 6.50070897e-4, 1e-9],
    [2.5, 1.0854871e-3, 1e-4],
    [5, 2.18075656e-3, 1e-8],
    [50, 2.38460375e-2, 1e-8],
    [100, 167.416308, 1e-8],
  ])('at noise 2.5, rate 0.01, 50 steps, order %d is %d', (order, expected, precision) => {
    const [found = NaN] = rdpOf({ noiseMultiplier: 2.5, samplingRate: 0.01, steps: 50 }, [order]);
    expect(Math.abs(found / expected - 1)).toBeLessThan(precision);
  });

  it('survives figures at the edges of float64', () => {
    for (const noise of [1e-200, 1e-3, 1e3, 1e150, 1e300]) {
      for (const rate of [1e-300, 1 - 2 ** -53]) {
        const rdp = rdpOf({ noiseMultiplier: noise, samplingRate: rate, steps: 1 });
        expect(rdp.every((value) => value >= 0)).toBe(true);
      }
    }
  });
});

describe('an unsound event', () => {
  it.each([
    { noiseMultiplier: -1 },
    { noiseMultiplier: NaN },
    { noiseMultiplier: Infinity },
    { samplingRate: -0.1 },
    { samplingRate: 1.1 },
    { samplingRate: NaN },
    { steps: -1 },
    { steps: 0.5 },
    { steps: NaN },
    { steps: 2 ** 53 },
  ])('with %j is charged to nobody, alone or hidden in a history', (wrong) => {
    expect(() => rdpOf({ ...sound, ...wrong })).toThrow(InvariantError);
    expect(() => composedRdp([sound, { ...sound, ...wrong }, sound])).toThrow(InvariantError);
  });
});
