import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fractionalOrderLogMoments } from '../../../shared/accounting/fractional-order-moment.ts';
import { rdpOf } from '../../../shared/accounting/rdp.ts';
import { wholeOrderLogMoment } from '../../../shared/accounting/whole-order-moment.ts';
import { fc } from '../../support/properties.ts';

const momentSchema = z.object({
  samplingRate: z.number(),
  noiseMultiplier: z.number(),
  order: z.number(),
  value: z.string().transform(Number),
});
const figures = readFileSync(new URL('../../oracles/accounting_figures.json', import.meta.url), 'utf8');
const { logMoments } = z.object({ logMoments: z.array(momentSchema) }).parse(JSON.parse(figures));

const noise = fc.double({ min: 0.2, max: 50, noNaN: true });
const rate = fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true });

function logMoment(order: number, samplingRate: number, noiseMultiplier: number): number {
  return (order - 1) * (rdpOf({ samplingRate, noiseMultiplier, steps: 1 }, [order])[0] ?? NaN);
}

describe('log A of one release', () => {
  it.each(logMoments)(
    'at rate $samplingRate, noise $noiseMultiplier, order $order agrees with 30 digits to 1e-13',
    ({ order, samplingRate, noiseMultiplier, value }) => {
      expect(Math.abs(logMoment(order, samplingRate, noiseMultiplier) / value - 1)).toBeLessThan(1e-13);
    },
  );

  it('by the integral equals the finite sum at whole orders', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60 }), rate, noise, (order, q, s) => {
        const [integrated = NaN] = fractionalOrderLogMoments([order], q, s);
        expect(Math.abs(integrated / wholeOrderLogMoment(order, q, s) - 1)).toBeLessThan(1e-11);
      }),
    );
  });

  it('is convex in the order and 0 at order 1', () => {
    const order = fc.double({ min: 1.01, max: 12, noNaN: true });
    fc.assert(
      fc.property(order, order, rate, noise, (a, b, q, s) => {
        const between = logMoment((a + b) / 2, q, s);
        expect(between).toBeLessThanOrEqual(((logMoment(a, q, s) + logMoment(b, q, s)) / 2) * (1 + 1e-11));
        expect(logMoment(1 + (a - 1) / 2, q, s)).toBeLessThanOrEqual((logMoment(a, q, s) / 2) * (1 + 1e-11));
      }),
    );
  });

  it('is the same whatever other orders are asked for with it', () => {
    fc.assert(
      fc.property(rate, noise, (q, s) => {
        const together = fractionalOrderLogMoments([9.7, 1.3, 40.5], q, s);
        const alone = [9.7, 1.3, 40.5].flatMap((order) => fractionalOrderLogMoments([order], q, s));
        expect(together).toEqual(alone);
      }),
    );
  });

  it('is integrated however much noise there is', () => {
    const [found = NaN] = fractionalOrderLogMoments([1.5], 0.3, 1e6);
    // To first order in 1 / s^2: a (a - 1) / 2 x q^2 / s^2.
    expect(Math.abs(found / (0.375 * 0.09e-12) - 1)).toBeLessThan(1e-6);
  });

  it('is not integrated where there is so little noise that it takes too many nodes: a bound between whole orders holds', () => {
    const [q, s] = [0.01, 0.004];
    expect(fractionalOrderLogMoments([1.5, 2.5], q, s)).toEqual([undefined, undefined]);
    const [two, three] = [2, 3].map((order) => wholeOrderLogMoment(order, q, s));
    expect(logMoment(1.5, q, s)).toBeCloseTo((two ?? NaN) / 2, 6);
    expect(logMoment(2.5, q, s)).toBeCloseTo(((two ?? NaN) + (three ?? NaN)) / 2, 6);
    // The bend of the integrand lies far above order 1: to within its width A is q^a e^((a^2 - a) / (2 s^2)).
    const truth = 2.5 * Math.log(q) + (2.5 * 2.5 - 2.5) / (2 * s * s);
    expect(logMoment(2.5, q, s)).toBeGreaterThan(truth);
  });
});
