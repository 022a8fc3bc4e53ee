import { describe, expect, it } from 'vitest';
import { addGaussianNoise } from '../../../client-sdk/privacy/gaussian-noise.ts';
import { secureRandomSource, seededRandomSource } from '../../../shared/random-source.ts';
import { normalityPValue, sumOfSquaresZScore } from '../../support/normal-statistics.ts';

describe('addGaussianNoise', () => {
  it('adds N(0, s^2) to every value, which two thirds and one and a half of s are told from', () => {
    const noise = new Float64Array(20_001);
    addGaussianNoise(seededRandomSource(1), noise, 0.7);
    expect(normalityPValue(noise, 0.7)).toBeGreaterThan(1e-3);
    expect(Math.abs(sumOfSquaresZScore(noise, 0.7))).toBeLessThan(4);
    for (const wrong of [(0.7 * 2) / 3, 0.7 * 1.5]) {
      expect(normalityPValue(noise, wrong)).toBeLessThan(1e-3);
      expect(Math.abs(sumOfSquaresZScore(noise, wrong))).toBeGreaterThan(6);
    }
  });

  it('keeps the values under the noise', () => {
    const [still, moved] = [new Float64Array(9), new Float64Array(9).fill(100)];
    addGaussianNoise(seededRandomSource(2), still, 1);
    addGaussianNoise(seededRandomSource(2), moved, 1);
    moved.forEach((value, i) => expect(value - 100).toBeCloseTo(still[i] ?? NaN, 10));
  });

  it('never adds the same noise twice from the secure source', () => {
    const [one, other] = [new Float64Array(4), new Float64Array(4)];
    const random = secureRandomSource();
    addGaussianNoise(random, one, 1);
    addGaussianNoise(random, other, 1);
    expect(new Set([...one, ...other]).size).toBe(8);
  });

  it.each([0, -1, NaN, Infinity])('refuses a standard deviation of %s', (stdDev) => {
    expect(() => addGaussianNoise(seededRandomSource(1), new Float64Array(1), stdDev)).toThrow(/standard deviation/);
  });
});
