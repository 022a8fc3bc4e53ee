import { describe, expect, it } from 'vitest';
import { chanceOfDistance, kolmogorovSmirnov } from '../../../simulation/privacy-audit/kolmogorov-smirnov.ts';
import { seededRandomSource } from '../../../shared/random-source.ts';
import { privacyAuditOracle } from '../../support/privacy-audit-oracle.ts';

const uniforms = (seed: number, n: number): Float64Array => {
  const random = seededRandomSource(seed, 'uniforms');
  return Float64Array.from({ length: n }, () => random.uniform());
};
const uniform = (value: number): number => value;

describe('the test of Kolmogorov and Smirnov', () => {
  it.each(privacyAuditOracle.kolmogorovSmirnov)('has the exact p-value at n = $n, D = $distance', (row) => {
    const off = Math.abs(chanceOfDistance(row.distance, row.n) - row.pValue);
    expect(off).toBeLessThan(row.n === 100 ? 2e-4 : 2e-5);
  });

  it('is certain of nothing at distance 0 and of everything at 1', () => {
    expect(chanceOfDistance(0, 100)).toBe(1);
    expect(chanceOfDistance(1, 100)).toBeLessThan(1e-80);
  });

  it('has a p-value that falls with the distance, also where its two series meet', () => {
    const chances = Array.from({ length: 400 }, (_, i) => chanceOfDistance(i / 2000, 400));
    expect(chances.every((chance, i) => i === 0 || chance <= (chances[i - 1] ?? NaN))).toBe(true);
    const meeting = chances.map((chance, i) => (chances[i - 1] ?? 1) - chance);
    expect(Math.max(...meeting)).toBeLessThan(0.02);
  });

  it('finds the largest difference, whichever of the two functions is above', () => {
    expect(kolmogorovSmirnov(Float64Array.of(0.9, 0.8), uniform).distance).toBeCloseTo(0.8, 12);
    expect(kolmogorovSmirnov(Float64Array.of(0.1, 0.05), uniform).distance).toBeCloseTo(0.9, 12);
  });

  it('errs as often as its p-value says: uniform under the truth', () => {
    const pValues = Array.from({ length: 400 }, (_, seed) => kolmogorovSmirnov(uniforms(seed, 200), uniform).pValue);
    expect(kolmogorovSmirnov(Float64Array.from(pValues), uniform).pValue).toBeGreaterThan(0.01);
  });

  it('leaves the observations in their order, and refuses none, or NaN', () => {
    const observed = Float64Array.of(0.9, 0.1);
    kolmogorovSmirnov(observed, uniform);
    expect([...observed]).toEqual([0.9, 0.1]);
    expect(() => kolmogorovSmirnov(Float64Array.of(), uniform)).toThrow(/expected observations/);
    expect(() => kolmogorovSmirnov(Float64Array.of(0.5, NaN), uniform)).toThrow(/expected observations/);
  });
});
