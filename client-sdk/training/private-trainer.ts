// Private training on one machine, without a federation: model, examples and a privacy budget in; trained weights out,
// with what they cost. DP-SGD by the same parts as a federation's rounds (private-descent.ts, sampled-gaussian.ts).
// Rules it keeps: the noise is calibrated so that all planned steps fit the budget (fit-plan.ts); a step that would pass it
// is never begun; all that its privacy ledger holds of the same examples composes, and a fit is spent there before its
// first step (privacy/fit-ledger.ts).

import { ACCOUNTANT, epsilonOf } from '../../shared/accounting/epsilon.ts';
import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { learningRates } from '../../shared/learning-rates.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { type RandomSource, secureRandomSource } from '../../shared/random-source.ts';
import type { FitEntry, PrivacyLedgerStore } from '../participation/client-store.ts';
import { FitLedger } from '../privacy/fit-ledger.ts';
import type { LossName } from '../privacy/losses.ts';
import { memoryPrivacyLedger } from '../privacy/memory-privacy-ledger.ts';
import { SampledGaussian } from '../privacy/sampled-gaussian.ts';
import { identityOf } from './example-set.ts';
import { type FitOptions, type PrivateFit, trainingOf } from './fit-options.ts';
import { plannedRelease } from './fit-plan.ts';
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
  /**
   * Default: the system's secure generator. Any other makes runs reproducible and voids their privacy; it cannot go with
   * a privacy ledger that outlives the trainer.
   */
  readonly random?: RandomSource;
  /** Called for each fit. Default: a privacy ledger in memory, which ends with the trainer. */
  readonly openPrivacyLedger?: () => Promise<PrivacyLedgerStore>;
}

export class PrivateTrainer {
  readonly #options: PrivateTrainerOptions;
  readonly #random: RandomSource;
  readonly #ledger: FitLedger;
  #prepared: PreparedModel | undefined;
  #weights: Float32Array | undefined;
  #fits = 0;
  #busy = false;

  /** @throws Error where noise that may be known would enter a privacy ledger. */
  constructor(options: PrivateTrainerOptions) {
    const { random = secureRandomSource(), openPrivacyLedger } = options;
    if (openPrivacyLedger && random.secure !== true) throw noLedgerForKnownNoise();
    const memory = memoryPrivacyLedger();
    this.#options = options;
    this.#random = random;
    this.#ledger = new FitLedger(openPrivacyLedger ?? (() => Promise.resolve(memory)));
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
    const physicalBatchSize = checkedBatchSize(options.physicalBatchSize);
    const training = trainingOf(options, examples.count);
    const { stepsPerRound: planned, optimiser = { name: 'sgd' }, proximalTerm = 0 } = training;
    const rates = accepted(accepted(await learningRates(training)).of(++this.#fits));
    const { signal = new AbortController().signal, onStep } = options;
    const identity = await identityOf(options.dataset);
    const spent = await this.#ledger.begin(identity, (history) => plannedRelease(training, options, history));
    const mechanism = this.#mechanismOf(spent, examples.count, options);
    const descent = {
      mechanism,
      sumClippedAt: (at: Float32Array) => clippedSums({ ...prepared, examples, physicalBatchSize }, at),
      rates: rates.subarray(0, spent.steps),
      optimiser,
      proximalTerm,
      signal,
      onStep: (step: number, at: Float32Array) => onStep?.({ step, steps: planned, weights: at }),
    };
    let history: readonly SampledGaussianEvent[];
    try {
      const update = await descend(weights, descent);
      this.#keep(weights.map((value, i) => value + (update[i] ?? NaN)));
    } finally {
      history = await this.#ledger.end(spent, mechanism.event.steps);
    }
    return this.#report(mechanism, { planned, delta: options.targetDelta, history });
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

  /** Of what is spent, neither less noise nor more steps. */
  #mechanismOf(spent: FitEntry, exampleCount: number, options: FitOptions): SampledGaussian {
    const { noiseMultiplier, samplingRate, steps: maxSteps } = spent;
    const { expectedBatchSize, clippingNormL2, adaptiveClipping } = options;
    return new SampledGaussian({
      random: this.#random,
      exampleCount,
      samplingRate,
      expectedBatchSize,
      clippingNormL2,
      noiseMultiplier,
      ...(adaptiveClipping && { adaptiveClipping }),
      maxSteps,
    });
  }

  #keep(weights: Float32Array): void {
    this.#weights = weights;
    const { model } = this.#options;
    if (typeof model !== 'function') writeWeights(model, weights);
  }

  #report(
    { event, clippingNormL2 }: SampledGaussian,
    { planned, delta, history }: { planned: number; delta: number; history: readonly SampledGaussianEvent[] },
  ): PrivateFit {
    const isVoid = this.#random.secure !== true;
    return {
      ...event,
      clippingNormL2,
      weights: (this.#weights ?? new Float32Array()).slice(),
      epsilon: isVoid ? null : epsilonOf(history, delta),
      delta,
      accountant: ACCOUNTANT,
      adjacency: 'add-remove',
      unit: 'example',
      void: isVoid,
      endedBy: event.steps < planned ? 'budget' : 'steps',
    };
  }
}

const noLedgerForKnownNoise = (): Error =>
  new Error(
    'expected the secure random source beside a privacy ledger, found one that may be known: whoever knows the noise ' +
      'takes it off, and no entry could say what that has cost; leave out either the random source or the privacy ledger',
  );
