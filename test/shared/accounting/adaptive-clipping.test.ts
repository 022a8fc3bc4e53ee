import { describe, expect, it } from 'vitest';
import { nextClippingNorm } from '../../../shared/accounting/adaptive-clipping.ts';

describe('nextClippingNorm', () => {
  it('grows below the quantile, shrinks above it, stays on it, and takes back what it gave', () => {
    const rule = { quantile: 0.5, rate: 0.2 };
    expect(nextClippingNorm(2, 0.5, rule)).toBe(2);
    expect(nextClippingNorm(2, 0.25, rule)).toBeCloseTo(2 * Math.exp(0.05), 12);
    expect(nextClippingNorm(nextClippingNorm(2, 0.25, rule), 0.75, rule)).toBeCloseTo(2, 12);
  });
});
