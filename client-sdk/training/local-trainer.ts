// A model, private examples and a round's task in; the round's update out, trained by DP-SGD (Abadi et al., arXiv
// 1607.00133, algorithm 1): Poisson-sampled batch, clipped sum of per-example gradients, Gaussian noise of
// noise multiplier x clipping norm, division by the public expected batch size. Keeps the rule that nothing derived
// from how many examples there are, or were drawn, appears in a denominator, and that an empty batch is a step too.

import type { LayersModel } from '@tensorflow/tfjs-layers';
import { InvariantError } from '../../shared/invariant-error.ts';
import { RefusedError } from '../../shared/protocol/refusals.ts';
import { type RandomSource, secureRandomSource } from '../../shared/random-source.ts';
import { parameterCount, type TensorSchema } from '../../shared/update-format/tensor-schema.ts';
import { type LayerChain, layerChain } from '../privacy/layer-chain.ts';
import { addGaussianNoise } from '../privacy/gaussian-noise.ts';
import { type LossName, lossOf } from '../privacy/losses.ts';
import { clippedGradientSum } from '../privacy/per-example-gradients.ts';
import { poissonSample } from '../privacy/poisson-sample.ts';
import { type Examples, type ExampleSet, exampleSet } from './example-set.ts';
import { loadBackend } from './load-backend.ts';
import { modelSchema, schemaMismatch } from './model-layout.ts';
import type { Trainer, TrainingTask } from './trainer.ts';

export type { Examples } from './example-set.ts';

export interface LocalTrainerOptions {
  /**
   * The architecture: one chain of layers that can be trained privately, named as the federation names them; its weights are never used. A
   * function is called once, after the backend is loaded, and what it makes is disposed of as soon as it is read. A
   * model given as such stays the caller's.
   */
  readonly model: LayersModel | (() => LayersModel | Promise<LayersModel>);
  /** Read in place at every step, never written to. */
  readonly examples: Examples;
  /** Default: what belongs to the model's last activation, softmax or sigmoid; else the mean squared error. */
  readonly loss?: LossName;
}

export interface SimulatedTrainerOptions extends LocalTrainerOptions {
  /** Default: the system's secure generator. Any other voids the privacy of the run. */
  readonly random?: RandomSource;
  /**
   * `omitted` is for simulated attackers only: the same training without its noise, hence without any privacy, and
   * refused by the coordinator as `noise-missing`. Default: `declared`, the noise that the federation's terms ask for.
   */
  readonly noise?: 'declared' | 'omitted';
}

/** What is known once the model is there. */
interface Preparation {
  readonly schema: TensorSchema;
  readonly chain: LayerChain;
  readonly loss: LossName;
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
  let preparing: Promise<Preparation> | undefined;
  return {
    async train(task) {
      preparing ??= prepare(options);
      const prepared = await preparing;
      checkTask(task, prepared.schema);
      return trainRound(task, prepared, randomness);
    },
  };
}

async function prepare({ model, examples, loss }: LocalTrainerOptions): Promise<Preparation> {
  await loadBackend();
  if (typeof model !== 'function') return preparation(model, examples, loss);
  const made = await model();
  try {
    return preparation(made, examples, loss);
  } finally {
    made.dispose();
  }
}

function preparation(model: LayersModel, given: Examples, named?: LossName): Preparation {
  const { chain, loss, classes } = lossOf(layerChain(model), named);
  const { inputLength } = chain[0];
  const { outputLength } = chain.at(-1) ?? chain[0];
  const examples = exampleSet(given, { inputLength, outputLength, classes });
  return { schema: modelSchema(model), chain, loss, examples };
}

function checkTask({ schema, baseModel }: TrainingTask, ours: TensorSchema): void {
  const mismatch = schemaMismatch(ours, schema);
  if (mismatch !== undefined) throw new RefusedError(mismatch.refusal);
  const expected = parameterCount(schema);
  if (baseModel.length !== expected)
    throw new InvariantError(`expected a base model of ${expected} values, found ${baseModel.length}`);
}

/** The update grows in float64 beside the base model, so that small steps are not lost in large weights. */
async function trainRound(
  { baseModel, training, privacy, signal }: TrainingTask,
  { chain, loss, examples }: Preparation,
  { random, noise }: Randomness,
): Promise<Float32Array> {
  const { clippingNormL2, samplingRate, expectedBatchSize, learningRate, stepsPerRound } = training;
  const update = new Float64Array(baseModel.length);
  const weights = Float32Array.from(baseModel);
  for (let step = 0; step < stepsPerRound; step++) {
    signal.throwIfAborted();
    const batch = examples.batch(poissonSample(random, examples.count, samplingRate));
    const sum = clippedGradientSum({ chain, loss, weights, batch, clippingNormL2 });
    if (privacy.mode === 'local' && noise === 'declared') {
      addGaussianNoise(random, sum, privacy.noiseMultiplier * clippingNormL2);
    }
    for (let i = 0; i < update.length; i++) {
      const value = (update[i] ?? 0) - (learningRate * (sum[i] ?? 0)) / expectedBatchSize;
      update[i] = value;
      weights[i] = (baseModel[i] ?? 0) + value;
    }
    await breathe();
  }
  signal.throwIfAborted();
  return Float32Array.from(update);
}

/** Lets sockets and timers have their turn: a heartbeat missed during training would cost the round. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
