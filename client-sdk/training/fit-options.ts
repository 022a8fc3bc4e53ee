// What one private fit is asked for and what comes of it; and from what is asked, the same terms that a federation would
// set, checked by the same schema.

import type { z } from 'zod';
import { type localOptimiserSchema, type TrainingTerms, trainingTermsSchema } from '../../shared/protocol/terms.ts';
import type { AdaptiveClipping } from '../privacy/adaptive-clipping.ts';
import type { NamedExamples } from './example-set.ts';

export interface FitOptions {
  readonly dataset: NamedExamples;
  /**
   * Budget of all that the privacy ledger holds of these examples, this fit included: epsilon, above 0, at delta, well
   * below 1 / number of examples.
   */
  readonly targetEpsilon: number;
  readonly targetDelta: number;
  /** L2 norm to which each example's gradient is clipped; the first one under adaptive clipping. */
  readonly clippingNormL2: number;
  /** Lets the clipping norm follow a quantile of the gradients' norms, by a private count. Default: it stays. */
  readonly adaptiveClipping?: AdaptiveClipping;
  /** Optimiser steps, in the place of `epochs`. */
  readonly steps?: number;
  /** Expected passes over the examples: epochs / sampling rate steps, rounded up. */
  readonly epochs?: number;
  /** Public denominator of every step: never the size of the batch drawn. */
  readonly expectedBatchSize: number;
  /**
   * Probability with which each example enters a batch. Default: expected batch size / number of examples, which makes
   * that number public; give a rate of your own where it must not be.
   */
  readonly samplingRate?: number;
  readonly learningRate: number;
  /** An expression of `step` (from 0), `steps` and `round` (the how manieth fit) that multiplies the learning rate. */
  readonly learningRateSchedule?: string;
  /** Default: plain SGD. */
  readonly optimiser?: z.input<typeof localOptimiserSchema>;
  /** mu: adds mu times the way from the fit's first weights to every gradient, which holds it near them. Default: 0. */
  readonly proximalTerm?: number;
  /**
   * Default: the least with which all steps fit the budget, up to 100 times what they would need without the history. With
   * less the fit ends where the budget does.
   */
  readonly noiseMultiplier?: number;
  /** Examples computed at a time, for want of memory. Default: any batch at once. */
  readonly physicalBatchSize?: number;
  /** Aborted: the fit rejects with its reason, the model is as it was, the steps begun are spent. */
  readonly signal?: AbortSignal;
  /** After each step; the next waits for what it returns. */
  readonly onStep?: (progress: FitProgress) => void | Promise<void>;
}

export interface FitProgress {
  /** From 1. */
  readonly step: number;
  readonly steps: number;
  /** After the step, in canonical order: to be read, not to be kept or written to. Paid for, as every step's are. */
  readonly weights: Float32Array;
}

export interface PrivateFit {
  /** All tensors end to end in canonical order: `writeWeights(model, weights)`. */
  readonly weights: Float32Array;
  /** Of all that is spent on these examples as the fit ends, by others too; null where the randomness may be known and no epsilon be claimed. */
  readonly epsilon: number | null;
  readonly delta: number;
  readonly accountant: string;
  /** Made in this fit. */
  readonly steps: number;
  readonly noiseMultiplier: number;
  readonly samplingRate: number;
  /** Of the step after the last one. */
  readonly clippingNormL2: number;
  readonly adjacency: 'add-remove';
  readonly unit: 'example';
  /** True where the randomness was given and is not the secure generator’s. */
  readonly void: boolean;
  /** `budget`: the next step would have passed it. */
  readonly endedBy: 'steps' | 'budget';
}

/** @throws Error that names the option which is out of its range. */
export function trainingOf(options: FitOptions, exampleCount: number): TrainingTerms {
  const { expectedBatchSize, samplingRate = expectedBatchSize / exampleCount, steps, epochs } = options;
  if ((steps === undefined) === (epochs === undefined)) {
    throw new Error(`expected either steps or epochs, found ${steps === undefined ? 'neither' : 'both'}`);
  }
  const { clippingNormL2, learningRate, learningRateSchedule, optimiser, proximalTerm } = options;
  const parsed = trainingTermsSchema.safeParse({
    clippingNormL2,
    learningRate,
    expectedBatchSize,
    samplingRate,
    stepsPerRound: steps ?? Math.ceil((epochs ?? NaN) / samplingRate),
    ...(learningRateSchedule === undefined ? {} : { learningRateSchedule }),
    ...(optimiser === undefined ? {} : { optimiser }),
    ...(proximalTerm === undefined ? {} : { proximalTerm }),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const option = String(issue?.path.join('.')).replace('stepsPerRound', steps === undefined ? 'epochs' : 'steps');
  throw new Error(`the option ${option} does not fit: ${issue?.message}`);
}
