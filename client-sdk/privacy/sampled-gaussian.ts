// Sampler, noise and accountant of private training as one object, so that they cannot disagree: it alone draws a batch
// and adds noise, and counts every step that it does both in. In goes what turns a batch into the clipped sum of its
// gradients; out comes the noised mean, all that anything outside may see. The Poisson-subsampled Gaussian mechanism as
// DP-SGD uses it (Abadi et al., arXiv 1607.00133, algorithm 1): batch by independent coins, sum of clipped gradients,
// noise of noise multiplier x clipping norm, division by the public expected batch size. Nothing derived from how many
// examples there are, or were drawn, is in a denominator, and an empty batch is a step too.

import { COUNT_SENSITIVITY, nextClippingNorm } from '../../shared/accounting/adaptive-clipping.ts';
import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { addGaussianNoise, noiseGrid } from '../../shared/gaussian-noise.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { RandomSource } from '../../shared/random-source.ts';
import { type AdaptiveClipping, sumNoiseMultiplier } from './adaptive-clipping.ts';
import { poissonSample } from './poisson-sample.ts';

export interface ClippedSum {
  /** Of the examples' gradients, each first scaled to an L2 norm of at most C (1 - 2^-10). */
  readonly sum: Float64Array;
  /** How many of them had a norm of at most C as they were; asked for by adaptive clipping alone. */
  readonly countBelow?: number;
}

/** Indices of the batch and C in. */
export type SumClipped = (indices: Uint32Array, clippingNormL2: number) => ClippedSum;

export interface SampledGaussianOptions {
  readonly random: RandomSource;
  /** Private: only the sampler knows it. */
  readonly exampleCount: number;
  /** Public. Probability with which each example enters a batch, independently of all others. */
  readonly samplingRate: number;
  /** Public and fixed. The denominator of every step. */
  readonly expectedBatchSize: number;
  /** C; the first one under adaptive clipping. */
  readonly clippingNormL2: number;
  /** Standard deviation of the noise in units of C; 0: none, and an infinite epsilon. */
  readonly noiseMultiplier: number;
  /** Default: C stays. */
  readonly adaptiveClipping?: AdaptiveClipping;
  /** Steps that the budget allows; beyond them nothing is drawn any more. Default: any number. */
  readonly maxSteps?: number;
}

export class SampledGaussian {
  readonly #options: SampledGaussianOptions;
  /** Of the sum: more than the declared one where a count is paid for too. */
  readonly #sumNoiseMultiplier: number;
  #clippingNormL2: number;
  #steps = 0;

  constructor(options: SampledGaussianOptions) {
    const { clippingNormL2, expectedBatchSize, noiseMultiplier, adaptiveClipping } = options;
    requirePositive('clipping norm', clippingNormL2);
    requirePositive('expected batch size', expectedBatchSize);
    if (!(noiseMultiplier >= 0 && noiseMultiplier < Infinity)) {
      throw new InvariantError(`expected a finite noise multiplier of at least 0, found ${noiseMultiplier}`);
    }
    this.#options = options;
    this.#clippingNormL2 = clippingNormL2;
    const adapts = adaptiveClipping !== undefined && noiseMultiplier > 0;
    this.#sumNoiseMultiplier = adapts
      ? sumNoiseMultiplier(noiseMultiplier, adaptiveClipping.countNoiseStdDev)
      : noiseMultiplier;
  }

  /** All that has been released so far. */
  get event(): SampledGaussianEvent {
    const { noiseMultiplier, samplingRate } = this.#options;
    return { noiseMultiplier, samplingRate, steps: this.#steps };
  }

  /** C of the next step. */
  get clippingNormL2(): number {
    return this.#clippingNormL2;
  }

  /** The noised sum over the expected batch size. @throws InvariantError beyond `maxSteps`, or where nothing was clipped. */
  step(sumClipped: SumClipped): Float64Array {
    const { random, exampleCount, samplingRate, expectedBatchSize, maxSteps = Infinity } = this.#options;
    if (this.#steps >= maxSteps) {
      throw new InvariantError(`expected at most ${maxSteps} steps, which is what the budget allows, found one more`);
    }
    const clippingNormL2 = this.#clippingNormL2;
    // Counted before anything is computed: a step that fails half-way has shown that it failed.
    this.#steps++;
    const indices = poissonSample(random, exampleCount, samplingRate);
    const clipped = sumClipped(indices, clippingNormL2);
    requireClipped(clipped.sum, indices.length, clippingNormL2);
    const sum = Float64Array.from(clipped.sum);
    this.#addNoise(sum, this.#sumNoiseMultiplier, clippingNormL2);
    this.#adaptClipping(clipped, indices.length);
    return sum.map((value) => value / expectedBatchSize);
  }

  #addNoise(values: Float64Array, noiseMultiplier: number, sensitivity: number): void {
    if (noiseMultiplier === 0) return;
    const noise = { stdDev: noiseMultiplier * sensitivity, grid: noiseGrid(sensitivity, values.length) };
    addGaussianNoise(this.#options.random, values, noise);
  }

  #adaptClipping({ countBelow }: ClippedSum, drawn: number): void {
    const { adaptiveClipping, expectedBatchSize, noiseMultiplier } = this.#options;
    if (adaptiveClipping === undefined) return;
    if (countBelow === undefined) throw new InvariantError('expected a count of gradients below C, found none');
    // Around 1/2, where one example more or less moves the sum by 1/2 only.
    const centred = Float64Array.of(countBelow - drawn / 2);
    const countMultiplier = noiseMultiplier === 0 ? 0 : adaptiveClipping.countNoiseStdDev / COUNT_SENSITIVITY;
    this.#addNoise(centred, countMultiplier, COUNT_SENSITIVITY);
    const shareBelow = (centred[0] ?? NaN) / expectedBatchSize + 1 / 2;
    this.#clippingNormL2 = nextClippingNorm(this.#clippingNormL2, shareBelow, adaptiveClipping);
  }
}

/** n gradients of norm at most C have a sum of norm at most n C: more, or NaN, means that somebody did not clip. */
function requireClipped(sum: Float64Array, drawn: number, clippingNormL2: number): void {
  const normL2 = Math.sqrt(sum.reduce((total, value) => total + value * value, 0));
  if (normL2 <= drawn * clippingNormL2) return;
  throw new InvariantError('expected a sum of gradients that were clipped one by one, found one too large for that');
}

function requirePositive(what: string, value: number): void {
  if (!(value > 0 && value < Infinity)) throw new InvariantError(`expected a positive, finite ${what}, found ${value}`);
}
