// Private training on one machine, without a federation: model, examples and a privacy budget in; trained weights out,
// with what they cost. DP-SGD by the same parts as a federation's rounds (private-descent.ts, sampled-gaussian.ts).
// Rules it keeps: the noise is calibrated so that all planned steps fit the budget; a step that would pass it is never
// begun; fits of one trainer compose, whatever data set each was given, and one that was aborted has cost its steps.

import { ACCOUNTANT, epsilonOf } from '../../shared/accounting/epsilon.ts';
import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { learningRates } from '../../shared/learning-rates.ts';
import { accepted, RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import type { TrainingTerms } from '../../shared/protocol/terms.ts';
import { type RandomSource, secureRandomSource } from '../../shared/random-source.ts';
import { checkedAdaptiveClipping } from '../privacy/adaptive-clipping.ts';
import type { LossName } from '../privacy/losses.ts';
import { SampledGaussian } from '../privacy/sampled-gaussian.ts';
import { affordableSteps, leastNoiseMultiplier } from '../privacy/step-budget.ts';
import { type FitOptions, type PrivateFit, trainingOf } from './fit-options.ts';
import { readWeights, writeWeights } from './model-layout.ts';
import {
  checkedBatchSize,
  clippedSums,
  type ModelSource,
  type PreparedModel,
  preparedExamples,
  preparedModel,
  withModel,
} from './prepared-model.ts';
import { descend } from './private-descent.ts';

export interface PrivateTrainerOptions {
  /** Training begins at its weights and, where it is given as a model, leaves the trained ones in it. */
  readonly model: ModelSource;
  /** Default: what belongs to the model's last activation, softmax or sigmoid; else the mean squared error. */
  readonly loss?: LossName;
  /** Default: the system's secure generator. Any other makes runs reproducible and voids their privacy. */
  readonly random?: RandomSource;
}

export class PrivateTrainer {
  readonly #options: PrivateTrainerOptions;
  readonly #random: RandomSource;
  #prepared: PreparedModel | undefined;
  #weights: Float32Array | undefined;
  #history: readonly SampledGaussianEvent[] = [];
  #fits = 0;
  #busy = false;

  constructor(options: PrivateTrainerOptions) {
    this.#options = options;
    this.#random = options.random ?? secureRandomSource();
  }

  /**
   * One fit at a time. Rejects with a RefusedError (budget-exhausted) where not even one step fits the budget, and with
   * an error that names what cannot be trained privately, or which option is out of its range.
   */
  async fit(options: FitOptions): Promise<PrivateFit> {
    if (this.#busy) throw new Error('expected one fit at a time, found one under way');
    this.#busy = true;
    try {
      return await this.#fit(options);
    } finally {
      this.#busy = false;
    }
  }

  async #fit(options: FitOptions): Promise<PrivateFit> {
    const { prepared, weights } = await this.#prepare();
    const examples = preparedExamples(prepared, options.dataset);
    const training = trainingOf(options, examples.count);
    const rates = accepted(accepted(await learningRates(training)).of(++this.#fits));
    const { event, maxSteps } = this.#planned(training, options);
    const { samplingRate, expectedBatchSize, clippingNormL2, optimiser = { name: 'sgd' } } = training;
    const sampling = { exampleCount: examples.count, samplingRate, expectedBatchSize };
    const { noiseMultiplier } = event;
    const { adaptiveClipping } = options;
    const mechanism = new SampledGaussian({
      ...sampling,
      random: this.#random,
      clippingNormL2,
      noiseMultiplier,
      ...(adaptiveClipping && { adaptiveClipping: checkedAdaptiveClipping(adaptiveClipping, noiseMultiplier) }),
      maxSteps,
    });
    const physicalBatchSize = checkedBatchSize(options.physicalBatchSize);
    const { signal = new AbortController().signal, onStep } = options;
    const descent = {
      mechanism,
      sumClippedAt: (at: Float32Array) => clippedSums({ ...prepared, examples, physicalBatchSize }, at),
      rates: rates.subarray(0, maxSteps),
      optimiser,
      proximalTerm: 0,
      signal,
      onStep: (step: number, at: Float32Array) => onStep?.({ step, steps: event.steps, weights: at }),
    };
    try {
      const update = await descend(weights, descent);
      this.#keep(weights.map((value, i) => value + (update[i] ?? NaN)));
    } finally {
      this.#history = [...this.#history, mechanism.event];
    }
    return this.#report(mechanism, { planned: event.steps, delta: options.targetDelta });
  }

  /** The model is read anew where it is the caller's own, who may have changed its weights. */
  async #prepare(): Promise<{ readonly prepared: PreparedModel; readonly weights: Float32Array }> {
    const { model, loss } = this.#options;
    if (this.#prepared && this.#weights && typeof model === 'function')
      return { prepared: this.#prepared, weights: this.#weights };
    const read = await withModel(model, (built) => ({
      prepared: preparedModel(built, loss),
      weights: readWeights(built),
    }));
    this.#prepared = read.prepared;
    return read;
  }

  #keep(weights: Float32Array): void {
    this.#weights = weights;
    const { model } = this.#options;
    if (typeof model !== 'function') writeWeights(model, weights);
  }

  #planned(
    { samplingRate, stepsPerRound: steps }: TrainingTerms,
    { targetEpsilon: epsilon, targetDelta: delta, noiseMultiplier: given }: FitOptions,
  ): { readonly event: SampledGaussianEvent; readonly maxSteps: number } {
    const budget = { epsilon, delta, history: this.#history };
    const noiseMultiplier = given ?? leastNoiseMultiplier({ samplingRate, steps }, budget);
    const event = { noiseMultiplier, samplingRate, steps };
    const maxSteps = affordableSteps(event, budget);
    if (maxSteps > 0) return { event, maxSteps };
    const after = epsilonOf([...this.#history, { ...event, steps: 1 }], delta);
    const found = `epsilon ${after.toFixed(3)} after one more step`;
    throw new RefusedError(refuse('budget-exhausted', { expected: `at most epsilon ${epsilon}`, found }).refusal);
  }

  #report(
    { event, clippingNormL2 }: SampledGaussian,
    { planned, delta }: { planned: number; delta: number },
  ): PrivateFit {
    const isVoid = this.#random.secure !== true;
    return {
      ...event,
      clippingNormL2,
      weights: (this.#weights ?? new Float32Array()).slice(),
      epsilon: isVoid ? null : epsilonOf(this.#history, delta),
      delta,
      accountant: ACCOUNTANT,
      adjacency: 'add-remove',
      unit: 'example',
      void: isVoid,
      endedBy: event.steps < planned ? 'budget' : 'steps',
    };
  }
}
