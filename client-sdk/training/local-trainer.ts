// A model, private examples and a round's task in; the round's update out, trained by DP-SGD under the federation's
// terms: noise, sampling and their accounting are sampled-gaussian.ts's, the steps private-descent.ts's. Apart from
// private-trainer.ts, which trains on one machine by the same parts, because here the coordinator sets the terms.

import { InvariantError } from '../../shared/invariant-error.ts';
import { learningRates } from '../../shared/learning-rates.ts';
import { accepted, RefusedError } from '../../shared/protocol/refusals.ts';
import { type RandomSource, secureRandomSource } from '../../shared/random-source.ts';
import { parameterCount, type TensorSchema } from '../../shared/update-format/tensor-schema.ts';
import type { LossName } from '../privacy/losses.ts';
import { SampledGaussian } from '../privacy/sampled-gaussian.ts';
import { type Examples, type ExampleSet, examplesDigest } from './example-set.ts';
import { schemaMismatch } from './model-layout.ts';
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
import type { Trainer, TrainingTask } from './trainer.ts';

export type { Examples } from './example-set.ts';

export interface LocalTrainerOptions {
  /** Its layers named as the federation names them; its weights are never used. */
  readonly model: ModelSource;
  /** Read in place at every step, never written to. */
  readonly examples: Examples;
  /** Default: what belongs to the model's last activation, softmax or sigmoid; else the mean squared error. */
  readonly loss?: LossName;
  /** Examples computed at a time, for want of memory: a larger batch is added up of parts. Default: any batch at once. */
  readonly physicalBatchSize?: number;
}

export interface SimulatedTrainerOptions extends LocalTrainerOptions {
  /** Default: the system's secure generator. Any other is refused unless the terms declare the privacy of the run void. */
  readonly random?: RandomSource;
  /**
   * `omitted` is for simulated attackers only: the same training without its noise, hence without any privacy, and
   * refused by the coordinator as `noise-missing`. Default: `declared`, the noise that the federation's terms ask for.
   */
  readonly noise?: 'declared' | 'omitted';
}

/** What is known once the model is there. */
interface Preparation extends PreparedModel {
  readonly examples: ExampleSet;
}

/**
 * A trainer on this machine's TensorFlow.js. `train` rejects with a RefusedError where model and federation disagree,
 * with an error naming the layer where the model cannot be trained privately, and with the signal's reason.
 */
export function localTrainer(options: LocalTrainerOptions): Trainer {
  return trainerWith(options, { random: secureRandomSource(), noise: 'declared' });
}

/**
 * For simulations and tests: a local trainer whose randomness may be known and whose noise may be left out. Its updates
 * must not be sold as private.
 */
export function simulatedTrainer(options: SimulatedTrainerOptions): Trainer {
  const { random = secureRandomSource(), noise = 'declared' } = options;
  return trainerWith(options, { random, noise });
}

interface Randomness {
  readonly random: RandomSource;
  readonly noise: 'declared' | 'omitted';
}

function trainerWith(options: LocalTrainerOptions, randomness: Randomness): Trainer {
  const physicalBatchSize = checkedBatchSize(options.physicalBatchSize);
  let preparing: Promise<Preparation> | undefined;
  return {
    examplesDigest: () => examplesDigest(options.examples),
    async train(task) {
      preparing ??= prepare(options);
      const prepared = await preparing;
      checkTask(task, prepared.schema);
      checkRandomness(task, randomness);
      return await trainRound(task, { ...prepared, physicalBatchSize }, randomness);
    },
  };
}

async function prepare({ model, examples, loss }: LocalTrainerOptions): Promise<Preparation> {
  const prepared = await withModel(model, (built) => preparedModel(built, loss));
  return { ...prepared, examples: preparedExamples(prepared, examples) };
}

function checkTask({ schema, baseModel }: TrainingTask, ours: TensorSchema): void {
  const mismatch = schemaMismatch(ours, schema);
  if (mismatch !== undefined) throw new RefusedError(mismatch.refusal);
  const expected = parameterCount(schema);
  if (baseModel.length !== expected)
    throw new InvariantError(`expected a base model of ${expected} values, found ${baseModel.length}`);
}

/** Whoever knows the seed knows the noise: an epsilon may be claimed for neither. */
function checkRandomness({ privacy }: TrainingTask, { random, noise }: Randomness): void {
  if (random.secure === true || noise === 'omitted' || privacy.mode !== 'local' || privacy.void) return;
  throw new Error(
    'expected terms that declare the privacy of the run void (privacy.void), found terms that claim an epsilon for ' +
      'noise from a random source that may be known; take the secure one, or declare the privacy void',
  );
}

async function trainRound(
  { round, baseModel, training, privacy, signal }: TrainingTask,
  { examples, physicalBatchSize, ...prepared }: Preparation & { readonly physicalBatchSize: number | undefined },
  { random, noise }: Randomness,
): Promise<Float32Array> {
  const { optimiser = { name: 'sgd' }, proximalTerm = 0, samplingRate, expectedBatchSize, clippingNormL2 } = training;
  const rates = accepted(accepted(await learningRates(training)).of(round));
  const noiseMultiplier = privacy.mode === 'local' && noise === 'declared' ? privacy.noiseMultiplier : 0;
  const exampleCount = examples.count;
  const sampling = { exampleCount, samplingRate, expectedBatchSize };
  const mechanism = new SampledGaussian({ ...sampling, random, clippingNormL2, noiseMultiplier });
  const sumClippedAt = (weights: Float32Array) => clippedSums({ ...prepared, examples, physicalBatchSize }, weights);
  const descent = { mechanism, sumClippedAt, rates, optimiser, proximalTerm, signal };
  return Float32Array.from(await descend(baseModel, descent));
}
