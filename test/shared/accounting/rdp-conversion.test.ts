import { describe, expect, it } from 'vitest';
import { deltaAtOrder, epsilonAtOrder } from '../../../shared/accounting/rdp-conversion.ts';
import { fc } from '../../support/properties.ts';

const order = fc.double({ min: 1.1, max: 1024, noNaN: true });
const rdp = fc.double({ min: 1e-9, max: 50, noNaN: true });
const delta = fc.constantFrom(1e-3, 1e-4, 1e-5, 1e-7, 1e-10);

describe('the conversion at one order', () => {
  it('gives dp_accounting’s 1.32783806176 for a divergence of 1.1 at orders 2 to 32 (vector 40)', () => {
    const each = Array.from({ length: 31 }, (_, i) => epsilonAtOrder({ order: i + 2, rdp: 1.1 }, 1e-5));
    expect(Math.min(...each)).toBeCloseTo(1.32783806176, 10);
    expect(each.indexOf(Math.min(...each)) + 2).toBe(32);
  });

  it('is tighter than the classic one, r + log(1/delta) / (a - 1)', () => {
    fc.assert(
      fc.property(order, rdp, delta, (a, r, d) => {
        const classic = epsilonAtOrder({ order: a, rdp: r }, d, 'classic');
        expect(classic).toBeCloseTo(r + Math.log(1 / d) / (a - 1), 9);
        const improved = epsilonAtOrder({ order: a, rdp: r }, d);
        expect(improved).toBeLessThan(classic);
        expect(improved).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it.each(['improved', 'classic'] as const)('from epsilon back to delta loses nothing: %s', (conversion) => {
    fc.assert(
      fc.property(order, rdp, delta, (a, r, d) => {
        const cost = { order: a, rdp: r };
        const epsilon = epsilonAtOrder(cost, d, conversion);
        const back = deltaAtOrder(cost, epsilon, conversion);
        if (epsilon > 0) expect(back / d).toBeCloseTo(1, 6);
        else expect(back).toBeLessThanOrEqual(d * (1 + 1e-9));
      }),
    );
  });

  it('is 0 once delta covers the total variation distance, and never negative before', () => {
    expect(epsilonAtOrder({ order: 2, rdp: 1e-10 }, 1e-5)).toBe(0);
    expect(epsilonAtOrder({ order: 2, rdp: 1.01e-10 }, 1e-5)).toBeGreaterThan(10);
    expect(epsilonAtOrder({ order: 1024, rdp: 1e-3 }, 1e-2)).toBe(0);
    expect(deltaAtOrder({ order: 1.1, rdp: 1e-10 }, 0)).toBeCloseTo(1e-5, 12);
  });

  it.each(['improved', 'classic'] as const)(
    'costs nothing for nothing and everything for no noise: %s',
    (conversion) => {
      const [nothing, everything] = [0, Infinity].map((r) => ({ order: 3, rdp: r }));
      if (!nothing || !everything) throw new Error('unreachable');
      expect(epsilonAtOrder(nothing, 1e-5, conversion)).toBe(0);
      expect(deltaAtOrder(nothing, 0, conversion)).toBe(0);
      expect(epsilonAtOrder(everything, 1e-5, conversion)).toBe(Infinity);
      expect(deltaAtOrder(everything, 5, conversion)).toBe(1);
    },
  );

  it('never says a delta above 1', () => {
    for (const conversion of ['improved', 'classic'] as const) {
      expect(deltaAtOrder({ order: 20, rdp: 40 }, 1, conversion)).toBeLessThanOrEqual(1);
    }
  });
});
