import { describe, expect, it } from 'vitest';
import { lossDistributions } from '../../../../shared/accounting/pld/loss-distribution.ts';
import { pldDelta } from '../../../../shared/accounting/pld/pld.ts';
import { counted, type PrivacyEvent, sampledGaussian } from '../../../../shared/accounting/privacy-event.ts';
import { erfc } from '../../../../shared/accounting/special/log-erfc.ts';
import { privacyAuditOracle } from '../../../support/privacy-audit-oracle.ts';
import { fc } from '../../../support/properties.ts';

const normalAtMost = (x: number): number => erfc(-x * Math.SQRT1_2) / 2;

/** Shown, or the test has nothing to look at. */
function shown(events: readonly PrivacyEvent[]): NonNullable<ReturnType<typeof lossDistributions>> {
  const found = lossDistributions(events);
  if (!found) throw new Error('expected distributions, found none');
  return found;
}

/** Of one step in closed form: the loss grows with z, which is (1 - q) N(0, s^2) + q N(1, s^2), or N(0, s^2). */
function oneStep(s: number, q: number): { remove(loss: number): number; add(loss: number): number } {
  const z = (loss: number): number =>
    loss <= Math.log1p(-q) ? -Infinity : s ** 2 * Math.log1p(Math.expm1(loss) / q) + 0.5;
  return {
    remove: (loss) => (1 - q) * normalAtMost(z(loss) / s) + q * normalAtMost((z(loss) - 1) / s),
    add: (loss) => 1 - normalAtMost(z(-loss) / s),
  };
}

describe('the distribution of the composed privacy loss', () => {
  it.each(privacyAuditOracle.lossDistribution)(
    'is what its characteristic function says: $events $direction',
    (row) => {
      const { [row.direction]: distribution } = shown(row.events);
      row.losses.forEach((loss, i) => {
        expect(Math.abs(distribution.atMost(loss) - (row.atMost[i] ?? NaN))).toBeLessThan(1e-4);
      });
    },
  );

  it('is that of a normal with mean T / 2s^2 and variance T / s^2 at full participation, both ways', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.3, max: 20, noNaN: true }), fc.integer({ min: 1, max: 500 }), (s, steps) => {
        const { remove, add } = shown([sampledGaussian(s, 1, steps)]);
        for (const deviations of [-2.5, -1, -0.2, 0, 0.7, 1.5, 3]) {
          const loss = steps / (2 * s ** 2) + (deviations * Math.sqrt(steps)) / s;
          expect(Math.abs(remove.atMost(loss) - normalAtMost(deviations))).toBeLessThan(5e-4);
          expect(add.atMost(loss)).toBe(remove.atMost(loss));
        }
      }),
      { seed: 1, numRuns: 15 },
    );
  });

  it('is the closed form for one step', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.8, max: 5, noNaN: true }),
        fc.double({ min: 0.02, max: 0.9, noNaN: true }),
        (s, q) => {
          const { remove, add } = shown([sampledGaussian(s, q)]);
          const exact = oneStep(s, q);
          for (const deviations of [-2, -1, 0, 0.5, 1, 2]) {
            const loss = Math.log1p(q * Math.expm1((2 * deviations * s - 1) / (2 * s ** 2)));
            expect(Math.abs(remove.atMost(loss) - exact.remove(loss))).toBeLessThan(1e-3);
            expect(Math.abs(add.atMost(-loss) - exact.add(-loss))).toBeLessThan(1e-3);
          }
        },
      ),
      { seed: 1, numRuns: 15 },
    );
  });

  it('gives back the delta of the accountant: the sum over losses beyond epsilon of 1 - e^(epsilon - loss)', () => {
    const event = sampledGaussian(1, 0.1, 40);
    const { remove, add } = shown([event]);
    const deltas = [remove, add].map(({ atMost }) => {
      let delta = 0;
      for (let loss = 1; loss < 12; loss += 0.005) {
        delta += (atMost(loss + 0.005) - atMost(loss)) * -Math.expm1(1 - loss - 0.0025);
      }
      return delta;
    });
    const { delta } = pldDelta([event], 1);
    expect(Math.max(...deltas) / delta).toBeCloseTo(1, 3);
  });

  it('is the same for k steps and for one step k times, and whatever the order of events', () => {
    const [some, others] = [sampledGaussian(1, 0.1, 12), sampledGaussian(2, 0.3, 5)];
    const [all, again] = [shown([some, others]), shown([others, counted(sampledGaussian(1, 0.1), 12)])];
    for (const loss of [-1, 0, 0.3, 2]) {
      expect(again.remove.atMost(loss)).toBe(all.remove.atMost(loss));
      expect(again.add.atMost(loss)).toBe(all.add.atMost(loss));
    }
  });

  it('rises from 0 to 1', () => {
    const { remove } = shown([sampledGaussian(0.7, 0.05, 30)]);
    const losses = Array.from({ length: 400 }, (_, i) => -3 + i / 20);
    const shares = losses.map((loss) => remove.atMost(loss));
    expect(shares.every((share, i) => share >= (shares[i - 1] ?? 0))).toBe(true);
    expect([remove.atMost(-1e3), remove.atMost(1e3)]).toEqual([0, 1]);
  });

  it('is not shown where losses are infinite, too large, or finer than any grid', () => {
    expect(lossDistributions([sampledGaussian(0, 0.1)])).toBeUndefined();
    expect(lossDistributions([sampledGaussian(0.03, 1)])).toBeUndefined();
    expect(lossDistributions([sampledGaussian(0.4, 1e-4)])).toBeUndefined();
    expect(lossDistributions([sampledGaussian(1, 1, 1e7)])).toBeUndefined();
  });

  it('is no question where no example can take part', () => {
    expect(() => lossDistributions([sampledGaussian(1, 0, 10)])).toThrow(/that examples can take part in/);
    expect(() => lossDistributions([])).toThrow(/found none/);
  });
});
