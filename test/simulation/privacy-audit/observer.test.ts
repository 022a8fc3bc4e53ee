import { describe, expect, it } from 'vitest';
import { addLogLikelihoodRatios } from '../../../simulation/privacy-audit/observer.ts';

const density = (z: number, mean: number, s: number): number => Math.exp(-((z - mean) ** 2) / (2 * s ** 2));

function ratioOf(sum: number, noiseMultiplier: number, samplingRate: number): number {
  const totals = new Float64Array(1);
  addLogLikelihoodRatios(totals, Float64Array.of(sum), { noiseMultiplier, samplingRate });
  return totals[0] ?? NaN;
}

describe('the observer', () => {
  it.each([
    [0.4, 1.3, 0.2],
    [-2.1, 0.7, 0.01],
    [1.8, 2.5, 1],
  ])('weighs a sum of %d by the two densities it can come from (noise %d, rate %d)', (sum, s, q) => {
    const direct = Math.log(((1 - q) * density(sum, 0, s) + q * density(sum, 1, s)) / density(sum, 0, s));
    expect(ratioOf(sum, s, q)).toBeCloseTo(direct, 12);
  });

  it('adds steps up', () => {
    const totals = Float64Array.of(3, -2);
    addLogLikelihoodRatios(totals, Float64Array.of(0.5, 0.5), { noiseMultiplier: 1, samplingRate: 0.3 });
    expect([...totals]).toEqual([3, -2]);
    addLogLikelihoodRatios(totals, Float64Array.of(1.5, -1), { noiseMultiplier: 1, samplingRate: 1 });
    expect([...totals]).toEqual([4, -3.5]);
  });

  it('does not overflow where hardly any noise hides a canary', () => {
    expect(ratioOf(1, 0.02, 0.1)).toBeCloseTo(1250 + Math.log(0.1), 9);
    expect(ratioOf(0, 0.02, 0.1)).toBeCloseTo(Math.log(0.9), 12);
  });
});
