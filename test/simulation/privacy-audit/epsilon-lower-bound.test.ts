import { describe, expect, it } from 'vitest';
import { gaussianEpsilon } from '../../../shared/accounting/exact-gaussian.ts';
import { seededRandomSource, standardNormals } from '../../../shared/random-source.ts';
import {
  epsilonLowerBound,
  largestCertifiable,
  type Observed,
} from '../../../simulation/privacy-audit/epsilon-lower-bound.ts';

/** Log-likelihood ratios under a Gaussian mechanism whose two outcomes lie `apart` standard deviations from each other. */
function gaussianRatios(apart: number, canaries: number, seed: number): Observed {
  const random = seededRandomSource(seed, 'ratios');
  const ratios = (mean: number): Float64Array =>
    standardNormals(random, canaries).map((z) => apart * (z + mean - apart / 2));
  return { inside: ratios(apart), outside: ratios(0) };
}

const seeds = Array.from({ length: 20 }, (_, seed) => seed);

describe('the empirical lower bound of epsilon', () => {
  it.each([
    [1, 0.01],
    [2, 0.01],
    [1, 0.3],
    [0.3, 0.001],
  ])('is never above the true epsilon of outcomes %d apart at delta %d', (apart, delta) => {
    const truth = gaussianEpsilon(1 / apart, delta);
    for (const seed of seeds) {
      const { epsilon } = epsilonLowerBound(gaussianRatios(apart, 2000, seed), { error: 0.001, delta });
      expect(epsilon).toBeLessThanOrEqual(truth);
    }
  });

  it('is wrong no oftener than stated, because it is judged where its threshold was not chosen', () => {
    const truth = gaussianEpsilon(1, 0.3);
    const wrong = Array.from({ length: 400 }, (_, seed) => gaussianRatios(1, 60, seed)).filter(
      (observed) => epsilonLowerBound(observed, { error: 0.2, delta: 0.3 }).epsilon > truth,
    ).length;
    expect(wrong / 400).toBeLessThanOrEqual(0.05);
  });

  it.each([1, 2])('shows more than half of the true epsilon of outcomes %d apart to 20,000 canaries', (apart) => {
    for (const seed of seeds.slice(0, 4)) {
      const { epsilon } = epsilonLowerBound(gaussianRatios(apart, 20_000, seed), { error: 0.001, delta: 0.01 });
      expect(epsilon / gaussianEpsilon(1 / apart, 0.01)).toBeGreaterThan(0.5);
    }
  });

  it('is the largest that so many canaries can certify where no one is mistaken for another', () => {
    const {
      epsilon,
      largestCertifiable: most,
      hits,
      falseAlarms,
    } = epsilonLowerBound(gaussianRatios(30, 2000, 1), {
      error: 0.001,
      delta: 1e-5,
    });
    expect(hits).toEqual({ successes: 1000, trials: 1000 });
    expect(falseAlarms).toEqual({ successes: 0, trials: 1000 });
    const limit = 0.0005 ** (1 / 1000);
    expect(most).toBeCloseTo(Math.log((limit - 1e-5) / (1 - limit)), 9);
    expect(epsilon).toBe(most);
    expect(largestCertifiable(10_000, { error: 0.001, delta: 1e-5 })).toBeGreaterThan(most + 2);
  });

  it('names those outside where these are the ones that give themselves away', () => {
    // One canary out of three outside is beyond doubt; those inside look like the rest of them.
    const inside = standardNormals(seededRandomSource(1, 'inside'), 2000);
    const outside = standardNormals(seededRandomSource(1, 'outside'), 2000).map((z, i) => (i % 3 === 0 ? -20 : z));
    const { names, threshold, epsilon } = epsilonLowerBound({ inside, outside }, { error: 0.001, delta: 1e-5 });
    expect(names).toBe('outside');
    expect(threshold).toBeGreaterThan(1);
    expect(epsilon).toBeGreaterThan(3);
  });

  it('is 0 where nothing can be told', () => {
    const { epsilon, hits } = epsilonLowerBound(gaussianRatios(0, 400, 3), { error: 0.001, delta: 1e-5 });
    expect(epsilon).toBe(0);
    expect(hits.trials).toBe(200);
  });

  it('leaves the observations as they were', () => {
    const observed = gaussianRatios(1, 200, 1);
    const before = [...observed.inside];
    epsilonLowerBound(observed, { error: 0.001, delta: 1e-5 });
    expect([...observed.inside]).toEqual(before);
  });
});
