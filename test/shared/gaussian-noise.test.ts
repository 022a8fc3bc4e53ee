import { describe, expect, it } from 'vitest';
import { addGaussianNoise, addOnGrid, CLIPPING_SHARE, noiseGrid } from '../../shared/gaussian-noise.ts';
import { type RandomSource, secureRandomSource, seededRandomSource } from '../../shared/random-source.ts';
import { normalityPValue, sumOfSquaresZScore } from '../support/normal-statistics.ts';
import { fc } from '../support/properties.ts';

const grid = 2 ** -20;

/** The raw stream: noise alone. */
function noiseOf(random: RandomSource, count: number, stdDev: number): Float64Array {
  const noise = new Float64Array(count);
  addGaussianNoise(random, noise, { stdDev, grid });
  return noise;
}

describe('addGaussianNoise', () => {
  it('adds N(0, s^2) to every value, which two thirds and one and a half of s are told from', () => {
    const noise = noiseOf(seededRandomSource(1), 20_001, 0.7);
    expect(normalityPValue(noise, 0.7)).toBeGreaterThan(1e-3);
    expect(Math.abs(sumOfSquaresZScore(noise, 0.7))).toBeLessThan(4);
    for (const wrong of [(0.7 * 2) / 3, 0.7 * 1.5]) {
      expect(normalityPValue(noise, wrong)).toBeLessThan(1e-3);
      expect(Math.abs(sumOfSquaresZScore(noise, wrong))).toBeGreaterThan(6);
    }
  });

  it('leaves nothing but multiples of its grid, whatever the values under it were', () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(values, fc.integer({ min: -30, max: -5 }), (under, exponent) => {
        const noised = Float64Array.from(under);
        addGaussianNoise(seededRandomSource(2), noised, { stdDev: 1, grid: 2 ** exponent });
        expect(noised.every((value) => Number.isInteger(value / 2 ** exponent))).toBe(true);
      }),
      { seed: 1 },
    );
  });

  it('shifts exactly with a sum on the grid: no low-order bit tells which one the noise was added to', () => {
    const still = noiseOf(seededRandomSource(2), 999, 1);
    const moved = new Float64Array(999).fill(12_345 * grid);
    addGaussianNoise(seededRandomSource(2), moved, { stdDev: 1, grid });
    expect(moved.map((value) => value - 12_345 * grid)).toEqual(still);
  });

  it('never draws the same noise twice from the secure source', () => {
    const random = secureRandomSource();
    const drawn = Array.from({ length: 4 }, () => [...noiseOf(random, 2, 1e9)]).flat();
    // On a grid this far below the noise two of eight draws are alike once in 10^14 runs.
    expect(new Set(drawn).size).toBe(8);
  });

  it.each([0, -1, NaN, Infinity])('refuses a standard deviation of %s', (stdDev) => {
    expect(() => addGaussianNoise(seededRandomSource(1), new Float64Array(1), { stdDev, grid })).toThrow(
      /standard deviation/,
    );
  });
});

describe('addOnGrid', () => {
  it('rounds sum and noise alike, each by itself, and then adds what is left without an error', () => {
    const values = Float64Array.of(0.3, -0.3, 1e6 + 0.3);
    addOnGrid(values, Float64Array.of(0.4, 0.1, 3), { stdDev: 2, grid: 0.25 });
    expect([...values]).toEqual([0.25 + 0.75, -0.25 + 0.25, 1e6 + 0.25 + 6]);
  });
});

describe('noiseGrid', () => {
  it('leaves of what is clipped as much again to whoever clips, and both together nothing beyond the norm', () => {
    const [clippingNormL2, length] = [3, 1000];
    const moved = noiseGrid(clippingNormL2, length) * Math.sqrt(length);
    expect(CLIPPING_SHARE * clippingNormL2 + 2 * moved).toBeLessThanOrEqual(clippingNormL2);
  });

  it('is a power of two so fine that rounding takes less than half of what clipping leaves free, and no finer', () => {
    const options = [fc.double({ min: 1e-6, max: 1e6, noNaN: true }), fc.integer({ min: 1, max: 1e8 })] as const;
    fc.assert(
      fc.property(...options, (clippingNormL2, length) => {
        const fine = noiseGrid(clippingNormL2, length);
        expect(Number.isInteger(Math.log2(fine))).toBe(true);
        const moved = (fine * Math.sqrt(length)) / clippingNormL2;
        expect(moved).toBeLessThanOrEqual(2 ** -11 * (1 + 1e-12));
        expect(moved).toBeGreaterThan(2 ** -12 * (1 - 1e-12));
      }),
      { seed: 1 },
    );
  });
});
