import { describe, expect, it } from 'vitest';
import { noiseDeficit, noiseDeficitBound } from '../../../../server/update/anomaly/noise-distribution.ts';
import { fillStandardNormals, seededRandomSource } from '../../../../shared/random-source.ts';
import { checks, noiseOf, noiseStdDev, parameters } from './intact-updates.ts';
import { fc } from '../../../support/properties.ts';

/** P(|N(0, 1)| < 1/1024) and a little: what a value just above an edge gains at most. */
const LIKELIEST_BIN = 0.00078;

/** Over every point: one sort, and P(|N(0, 1)| <= t) by its power series (Abramowitz and Stegun 1964, formula 7.1.5). */
function exactDeficit(list: readonly number[]): number {
  const sizes = list.map(Math.abs).sort((a, b) => a - b);
  return Math.max(0, ...sizes.map((size, i) => (i + 1) / sizes.length - normalWithin(size)));
}

function normalWithin(t: number): number {
  if (t > 5) return 1;
  let [term, sum] = [t, t];
  for (let k = 1; k < 80; k++) {
    term *= (-t * t) / (2 * k);
    sum += term / (2 * k + 1);
  }
  return Math.sqrt(2 / Math.PI) * sum;
}

describe('the deficit of small values', () => {
  it('is the distance of the two distributions where it is largest, by hand, but for the width of a bin', () => {
    // P(|N(0,1)| <= 1) = 0.682689, P(|N(0,1)| <= 2) = 0.954500: shares 1/2 and 1 at those two values.
    for (const [values, stdDev, largest] of [
      [[-1, 2], 1, 1 - 0.9544997361],
      [[0.1, -0.1, 4], 1, 2 / 3 - 0.0796556746],
      [[0, 0], 3, 1],
    ] as const) {
      const deficit = noiseDeficit(Float32Array.from(values), stdDev);
      expect(deficit).toBeLessThanOrEqual(largest + 1e-6);
      expect(deficit).toBeGreaterThanOrEqual(largest - LIKELIEST_BIN);
    }
  });

  it('never passes that over all points, and lies below it by a bin at most', () => {
    const values = fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(values, (list) => {
        const [deficit, exact] = [noiseDeficit(Float32Array.from(list), 1), exactDeficit(list)];
        expect(deficit).toBeLessThanOrEqual(exact + 1e-6);
        expect(deficit).toBeGreaterThanOrEqual(exact - LIKELIEST_BIN);
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it('does not depend on the order or the signs of the values, nor on the scale', () => {
    const values = fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(values, (list) => {
        const deficit = noiseDeficit(Float32Array.from(list), 1);
        expect(deficit).toBeGreaterThanOrEqual(0);
        expect(deficit).toBeLessThanOrEqual(1);
        expect(
          noiseDeficit(
            Float32Array.from(list.toReversed(), (value) => -value),
            1,
          ),
        ).toBe(deficit);
        expect(
          noiseDeficit(
            Float32Array.from(list, (value) => 4 * value),
            4,
          ),
        ).toBeCloseTo(deficit, 9);
      }),
      { seed: 5 },
    );
  });

  it('grows when values shrink and never when they grow', () => {
    const values = noiseOf(seededRandomSource(2), noiseStdDev);
    const deficit = noiseDeficit(values, noiseStdDev);
    expect(
      noiseDeficit(
        values.map((value) => 0.8 * value),
        noiseStdDev,
      ),
    ).toBeGreaterThan(deficit);
    expect(
      noiseDeficit(
        values.map((value) => value + Math.sign(value)),
        noiseStdDev,
      ),
    ).toBeLessThanOrEqual(deficit);
  });

  it('stays below the bound for honest noise, with and without a signal in it', () => {
    const random = seededRandomSource(4, 'honest');
    const bound = noiseDeficitBound({ parameters, checks });
    for (let update = 0; update < 40; update++) {
      const noise = noiseOf(random, noiseStdDev);
      expect(noiseDeficit(noise, noiseStdDev)).toBeLessThan(bound);
      expect(
        noiseDeficit(
          noise.map((value, i) => value + (i % 7) / 50),
          noiseStdDev,
        ),
      ).toBeLessThan(bound);
    }
  });

  it('passes the bound where a tenth of the values lacks the noise', () => {
    const noise = noiseOf(seededRandomSource(6), noiseStdDev);
    const bound = noiseDeficitBound({ parameters, checks });
    expect(noiseDeficit(noise.fill(0, 0, parameters / 10), noiseStdDev)).toBeGreaterThan(bound);
  });
});

describe('the bound on it', () => {
  it('is what the inequality says for the demo', () => {
    expect(noiseDeficitBound({ parameters, checks })).toBeCloseTo(Math.sqrt(19.519293032620798 / 15_700), 12);
  });

  it('alarms falsely in fewer runs than it was asked for, but not in none', () => {
    const random = seededRandomSource(9, 'false-alarms');
    const draws = new Float64Array(200);
    const bound = noiseDeficitBound({ parameters: 200, checks: 1, falseAlarmProbability: 0.2 });
    const alarms = Array.from({ length: 3_000 }, () => {
      fillStandardNormals(random, draws);
      return noiseDeficit(Float32Array.from(draws), 1) > bound;
    }).filter(Boolean).length;
    expect(alarms / 3_000).toBeLessThan(0.2);
    expect(alarms / 3_000).toBeGreaterThan(0.05);
  });
});
