import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type ClippedSum,
  SampledGaussian,
  type SampledGaussianOptions,
} from '../../../client-sdk/privacy/sampled-gaussian.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { secureRandomSource, seededRandomSource, shuffled, standardNormals } from '../../../shared/random-source.ts';
import { repositoryRoot } from '../../support/fixture-repository.ts';
import { normalityPValue, sumOfSquaresZScore } from '../../support/normal-statistics.ts';
import { repositoryFiles } from '../../support/repository-files.ts';

const PARAMETERS = 50;

const mechanismOf = (options: Partial<SampledGaussianOptions> = {}): SampledGaussian =>
  new SampledGaussian({
    random: seededRandomSource(1),
    exampleCount: 400,
    samplingRate: 0.1,
    expectedBatchSize: 40,
    clippingNormL2: 0.7,
    noiseMultiplier: 1.2,
    ...options,
  });

const nothing = (): ClippedSum => ({ sum: new Float64Array(PARAMETERS) });

/** The raw stream: what `steps` steps over nobody's gradients release. */
function rawStream(mechanism: SampledGaussian, steps: number): number[] {
  return Array.from({ length: steps }, () => [...mechanism.step(nothing)]).flat();
}

/** Batches of `draws` steps. */
function batchesOf(mechanism: SampledGaussian, draws: number): Uint32Array[] {
  const batches: Uint32Array[] = [];
  for (let i = 0; i < draws; i++) {
    mechanism.step((indices) => {
      batches.push(indices);
      return nothing();
    });
  }
  return batches;
}

describe('the noise', () => {
  it('is N(0, (noise multiplier x C / expected batch size)^2), and neither two thirds nor one and a half of it', () => {
    const noise = rawStream(mechanismOf(), 200);
    const claimed = (1.2 * 0.7) / 40;
    expect(normalityPValue(noise, claimed)).toBeGreaterThan(0.01);
    expect(Math.abs(sumOfSquaresZScore(noise, claimed))).toBeLessThan(4);
    for (const wrong of [(claimed * 2) / 3, claimed * 1.5]) {
      expect(normalityPValue(noise, wrong)).toBeLessThan(1e-3);
      expect(Math.abs(sumOfSquaresZScore(noise, wrong))).toBeGreaterThan(6);
    }
  });

  it('is as large from the secure source, where no three draws in a row ever come again', () => {
    const noise = rawStream(mechanismOf({ random: secureRandomSource() }), 400);
    // Seven standard deviations: a false alarm once in 10^11 runs.
    expect(Math.abs(sumOfSquaresZScore(noise, (1.2 * 0.7) / 40))).toBeLessThan(7);
    const triples = noise.slice(2).map((value, i) => [noise[i], noise[i + 1], value].join());
    expect(new Set(triples).size).toBe(triples.length);
  });

  it('lies over the sum and not in its place', () => {
    const sum = new Float64Array(PARAMETERS).fill(0.05);
    const [still, moved] = [mechanismOf({ samplingRate: 1 }), mechanismOf({ samplingRate: 1 })];
    const noise = still.step(nothing);
    moved
      .step(() => ({ sum }))
      .forEach((value, i) => {
        expect(value - (noise[i] ?? NaN)).toBeCloseTo(0.05 / 40, 5);
      });
    expect(sum).toEqual(new Float64Array(PARAMETERS).fill(0.05));
  });

  it('leaves multiples of the grid over the denominator: no low-order bit of the sum gets out', () => {
    const sum = standardNormals(seededRandomSource(5), PARAMETERS);
    const noised = mechanismOf({ expectedBatchSize: 32 }).step(() => ({ sum }));
    // 2^-11 x 0.7 / sqrt(50) is above 2^-15, below 2^-14.
    expect(noised.every((value) => Number.isInteger(value * 32 * 2 ** 15))).toBe(true);
    expect(noised.some((value) => !Number.isInteger(value * 32 * 2 ** 14))).toBe(true);
  });

  it('is absent where none is declared, and the account says so', () => {
    const mechanism = mechanismOf({ noiseMultiplier: 0 });
    expect(mechanism.step(() => ({ sum: Float64Array.of(0.1, 2) }))).toEqual(Float64Array.of(0.1 / 40, 2 / 40));
    expect(mechanism.event.noiseMultiplier).toBe(0);
  });
});

describe('the denominator', () => {
  it('is the public one, whatever the batch drawn', () => {
    const mechanism = mechanismOf({ noiseMultiplier: 0 });
    const seen: number[] = [];
    for (let step = 0; step < 20; step++) {
      const [value] = mechanism.step(({ length }) => ({ sum: Float64Array.of(0.5 * length) }));
      seen.push((value ?? NaN) * 40 * 2);
    }
    const sizes = batchesOf(mechanismOf({ noiseMultiplier: 0 }), 20).map(({ length }) => length);
    seen.forEach((size, i) => expect(size).toBeCloseTo(sizes[i] ?? NaN, 9));
    expect(new Set(sizes).size).toBeGreaterThan(5);
  });
});

describe('the clipping', () => {
  it('is asked for with the norm that the noise belongs to', () => {
    const asked: number[] = [];
    mechanismOf().step((_, clippingNormL2) => {
      asked.push(clippingNormL2);
      return nothing();
    });
    expect(asked).toEqual([0.7]);
  });

  it.each([
    ['longer than all its gradients clipped', 1.01],
    ['that is no number', NaN],
  ])('stops a sum %s before anything is released', (_, share) => {
    const mechanism = mechanismOf({ samplingRate: 1 });
    const unclipped = (): ClippedSum => ({ sum: Float64Array.of(0, 400 * 0.7 * share) });
    expect(() => mechanism.step(unclipped)).toThrow(/clipped one by one/);
    expect(mechanism.event.steps).toBe(1);
    expect(() => mechanismOf({ exampleCount: 0 }).step(() => ({ sum: Float64Array.of(1e-9) }))).toThrow(/clipped/);
  });
});

describe('the account', () => {
  it('counts every step with the noise and the rate that were used, failed and empty ones too', () => {
    const mechanism = mechanismOf({ exampleCount: 0 });
    rawStream(mechanism, 3);
    const failing = (): ClippedSum => {
      throw new Error('out of memory');
    };
    expect(() => mechanism.step(failing)).toThrow('out of memory');
    expect(mechanism.event).toEqual({ noiseMultiplier: 1.2, samplingRate: 0.1, steps: 4 });
  });

  it('draws nothing beyond the steps that are allowed', () => {
    const mechanism = mechanismOf({ maxSteps: 2 });
    const batches = batchesOf(mechanism, 2);
    expect(() => batches.push(...batchesOf(mechanism, 1))).toThrow(InvariantError);
    expect([batches.length, mechanism.event.steps]).toEqual([2, 2]);
  });
});

/** How often a statistic that is Bin(n, p) under the claim lies outside its two-sided 1e-5 range (normal limit, 4.42). */
const outside = (counts: readonly number[], n: number, p: number): number =>
  counts.filter((count) => Math.abs(count - n * p) > 4.42 * Math.sqrt(n * p * (1 - p)) + 0.5).length;

const sizeVariance = (batches: readonly ArrayLike<number>[]): number => {
  const mean = batches.reduce((sum, { length }) => sum + length, 0) / batches.length;
  return batches.reduce((sum, { length }) => sum + (length - mean) ** 2, 0) / (batches.length - 1);
};

/** z-score of the variance of n batch sizes against a Binomial's, whose fourth central moment is about 3 s^4. */
const varianceZScore = (batches: readonly ArrayLike<number>[], variance: number): number =>
  (sizeVariance(batches) - variance) / (variance * Math.sqrt(2 / batches.length));

describe('the sampler', () => {
  const [count, rate, draws] = [400, 0.1, 4000];
  const batches = batchesOf(mechanismOf({ noiseMultiplier: 0, random: seededRandomSource(3) }), draws);

  /** What everybody writes: shuffle once per pass, then cut. */
  function shufflerBatches(): number[][] {
    const random = seededRandomSource(4);
    const perPass = 1 / rate;
    return Array.from({ length: draws / perPass }, () => {
      const order = shuffled(
        random,
        Array.from({ length: count }, (_, i) => i),
      );
      return Array.from({ length: perPass }, (_, i) => order.slice(i * count * rate, (i + 1) * count * rate));
    }).flat();
  }

  const inclusions = (of: readonly ArrayLike<number>[]): number[] => {
    const counts = new Array<number>(count).fill(0);
    for (const batch of of) for (const example of Array.from(batch)) counts[example] = (counts[example] ?? 0) + 1;
    return counts;
  };
  /** Variance over the examples of how often each was drawn, in units of the Binomial's. */
  const spread = (counts: readonly number[]): number =>
    counts.reduce((sum, times) => sum + (times - draws * rate) ** 2, 0) / count / (draws * rate * (1 - rate));

  it('takes every example as often as independent coins say, no oftener and no more evenly', () => {
    const counts = inclusions(batches);
    expect(outside(counts, draws, rate)).toBe(0);
    // Chi-square with 400 degrees: five standard deviations are 0.35.
    expect(Math.abs(spread(counts) - 1)).toBeLessThan(0.35);
  });

  it('draws batches of Binomial sizes', () => {
    const sizes = batches.map(({ length }) => length);
    expect(outside(sizes, count, rate)).toBe(0);
    expect(outside([sizes.reduce((sum, size) => sum + size, 0)], count * draws, rate)).toBe(0);
    expect(Math.abs(varianceZScore(batches, count * rate * (1 - rate)))).toBeLessThan(4.42);
  });

  it('is no shuffler: batches cut from shuffled passes fail both tests', () => {
    const cut = shufflerBatches();
    expect(cut.length).toBe(draws);
    expect(Math.abs(spread(inclusions(cut)) - 1)).toBeGreaterThan(0.9);
    expect(Math.abs(varianceZScore(cut, count * rate * (1 - rate)))).toBeGreaterThan(40);
  });
});

describe('adaptive clipping', () => {
  /** Examples whose gradients have norms spread evenly in their logarithm from 0.1 to 10: the median is 1. */
  const norms = Float64Array.from({ length: 400 }, (_, i) => 10 ** ((2 * (i + 0.5)) / 400 - 1));
  const sumClipped = (indices: Uint32Array, clippingNormL2: number): ClippedSum => {
    const clipped = [...indices].map((i) => Math.min(norms[i] ?? NaN, clippingNormL2 * (1 - 2 ** -10)));
    const countBelow = [...indices].filter((i) => (norms[i] ?? NaN) <= clippingNormL2).length;
    return {
      sum: Float64Array.of(
        clipped.reduce((sum, norm) => sum + norm, 0),
        0,
      ),
      countBelow,
    };
  };
  const adaptive = (quantile: number, options: Partial<SampledGaussianOptions>): SampledGaussian =>
    mechanismOf({ ...options, adaptiveClipping: { quantile, rate: 0.2, countNoiseStdDev: 4 } });

  it.each([
    { quantile: 0.5, from: 100, expected: 1 },
    { quantile: 0.5, from: 0.01, expected: 1 },
    { quantile: 0.9, from: 0.01, expected: 10 ** 0.8 },
    { quantile: 0.1, from: 30, expected: 10 ** -0.8 },
  ])('brings C from $from to the quantile $quantile of the norms', ({ quantile, from, expected }) => {
    const mechanism = adaptive(quantile, { clippingNormL2: from });
    const logs: number[] = [];
    for (let step = 0; step < 400; step++) {
      mechanism.step(sumClipped);
      if (step >= 200) logs.push(Math.log(mechanism.clippingNormL2));
    }
    const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
    expect(Math.abs(mean - Math.log(expected))).toBeLessThan(0.1);
  });

  it('moves evenly on the logarithm where everything is clipped, and where nothing is', () => {
    // b - 1/2 is -n / 2 m: mean -1/2, so that C grows by e^(0.2 x 0.5) a step on average, and shrinks by as much.
    for (const [from, sign] of [
      [1e-4, 1],
      [1e4, -1],
    ] as const) {
      const mechanism = adaptive(0.5, { clippingNormL2: from });
      for (let step = 0; step < 40; step++) mechanism.step(sumClipped);
      expect(Math.abs((sign * Math.log(mechanism.clippingNormL2 / from)) / 40 - 0.1)).toBeLessThan(0.015);
    }
  });

  it('pays for the count with more noise on the sum, and accounts for the multiplier that was declared', () => {
    const mechanism = adaptive(0.5, { exampleCount: 0, expectedBatchSize: 1, clippingNormL2: 1 });
    const noise: number[] = [];
    const zScores: number[] = [];
    for (let step = 0; step < 400; step++) {
      const { clippingNormL2 } = mechanism;
      const released = mechanism.step(() => ({ sum: new Float64Array(PARAMETERS), countBelow: 0 }));
      noise.push(...released.map((value) => value / clippingNormL2));
      // b - 1/2 over a batch of 1 is the count's noise alone, of standard deviation 4.
      zScores.push(Math.log(mechanism.clippingNormL2 / clippingNormL2) / 0.2);
    }
    // (1.2^-2 - 8^-2)^(-1/2)
    const raised = 1.2137;
    expect(normalityPValue(noise, raised)).toBeGreaterThan(1e-3);
    expect(Math.abs(sumOfSquaresZScore(noise, raised))).toBeLessThan(4);
    expect(Math.abs(sumOfSquaresZScore(noise, raised * 0.96))).toBeGreaterThan(6);
    expect(normalityPValue(zScores, 4)).toBeGreaterThan(1e-3);
    expect(Math.abs(sumOfSquaresZScore(zScores, 4))).toBeLessThan(4);
    expect(mechanism.event).toEqual({ noiseMultiplier: 1.2, samplingRate: 0.1, steps: 400 });
  });

  it('is refused where nobody counts, or the count alone would cost more than the steps may', () => {
    expect(() => adaptive(0.5, {}).step(nothing)).toThrow(/expected a count/);
    expect(() => adaptive(0.5, { noiseMultiplier: 9 })).toThrow(/on the count/);
  });
});

it.each([
  [{ clippingNormL2: 0 }, /clipping norm/],
  [{ expectedBatchSize: NaN }, /expected batch size/],
  [{ noiseMultiplier: -1 }, /noise multiplier/],
  [{ noiseMultiplier: Infinity }, /noise multiplier/],
])('refuses %o', (options, complaint) => {
  expect(() => mechanismOf(options)).toThrow(complaint);
});

it('is alone at a client in drawing batches and noise: elsewhere only the coordinator draws such noise', () => {
  const drawing = repositoryFiles().filter((file) => {
    if (!/^(?:client-sdk|server|shared|simulation|cli)\/.*\.ts$/.test(file)) return false;
    const text = readFileSync(join(repositoryRoot, file), 'utf8');
    return /import [^;]*\b(?:poissonSample|addGaussianNoise|fillNormals)\b/.test(text);
  });
  expect(drawing).toEqual([
    'client-sdk/privacy/sampled-gaussian.ts',
    'server/privacy/central-noise.ts',
    'shared/gaussian-noise.ts',
  ]);
});
