// A private training step beside a plain one, of the same model on the same batch, backend by backend. Private: clipped
// sum of per-example gradients, Gaussian noise from the secure source, SGD, as the SDK's trainer takes it. Plain: the same
// network's step by TensorFlow.js alone. Steps of both take turns; what is told are medians.

import { losses, tensor, tidy, train } from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { addGaussianNoise, noiseGrid } from '../shared/gaussian-noise.ts';
import { layerChain } from '../client-sdk/privacy/layer-chain.ts';
import { lossOf } from '../client-sdk/privacy/losses.ts';
import { clippedGradientSum } from '../client-sdk/privacy/per-example-gradients.ts';
import type { Batch } from '../client-sdk/training/example-set.ts';
import { type BackendName, startBackend } from '../client-sdk/training/load-backend.ts';
import { readWeights } from '../client-sdk/training/model-layout.ts';
import { secureRandomSource, seededRandomSource } from '../shared/random-source.ts';
import { median } from '../shared/vector/vector.ts';
import { convolutionalNetwork } from '../simulation/convolutional-network.ts';
import type { Context, Print } from './figure.ts';

const backends: readonly BackendName[] = ['tensorflow', 'wasm', 'cpu'];
const batchSizes = [64, 256];
const PIXELS = 28 * 28;
const CLASSES = 10;
const CLIPPING_NORM = 1;
const NOISE_MULTIPLIER = 1.1;
const LEARNING_RATE = 0.1;
/** Where a plain step takes seconds, no further one begins after this. */
const PLAIN_BUDGET_MS = 10_000;

/** Both end in logits, on digits of 28 x 28. */
const models: Readonly<Record<string, () => LayersModel>> = {
  'mlp-784-128-10': () =>
    sequential({
      layers: [layers.dense({ inputShape: [784], units: 128, activation: 'relu' }), layers.dense({ units: CLASSES })],
    }),
  'opacus-mnist-cnn': () => convolutionalNetwork({ activation: 'relu', seed: 1 }),
};

export async function benchPerExampleGradients({ runs }: { readonly runs: number }, print: Print): Promise<void> {
  for (const backend of backends) {
    const started = await startBackend(backend);
    for (const [name, build] of Object.entries(models)) {
      for (const batchSize of batchSizes) {
        const context = { model: name, backend, batchSize };
        printSteps(started ? stepsOf(build(), { batchSize, runs }) : NOT_BUILT, context, print);
      }
    }
  }
}

/** Milliseconds of each run, or why there are none. */
interface Steps {
  readonly privateStep: readonly number[] | string;
  readonly clippedSum: readonly number[] | string;
  readonly plainStep: readonly number[] | string;
}

const NOT_BUILT: Steps = {
  privateStep: 'the native backend is not built: npm run native',
  clippedSum: 'the native backend is not built: npm run native',
  plainStep: 'the native backend is not built: npm run native',
};

function stepsOf(model: LayersModel, { batchSize, runs }: { batchSize: number; runs: number }): Steps {
  const batch = randomBatch(batchSize);
  const stepPrivately = privateStep(model, batch);
  const [privateMs, sumMs, plainMs]: [number[], number[], number[]] = [[], [], []];
  let impossible: string | undefined;
  for (let run = 0; run <= runs; run++) {
    const { wholeMs, clippedSumMs } = stepPrivately();
    privateMs.push(wholeMs);
    sumMs.push(clippedSumMs);
    const spentMs = plainMs.reduce((sum, ms) => sum + ms, 0);
    if (impossible !== undefined || (plainMs.length > 1 && spentMs > PLAIN_BUDGET_MS)) continue;
    try {
      plainMs.push(plainStep(model, batch));
    } catch (error) {
      impossible = error instanceof Error ? error.message : String(error);
    }
  }
  model.dispose();
  // The first of each is for warming up.
  return { privateStep: privateMs.slice(1), clippedSum: sumMs.slice(1), plainStep: impossible ?? plainMs.slice(1) };
}

function randomBatch(count: number): Batch {
  const random = seededRandomSource(1);
  const inputs = Float32Array.from({ length: count * PIXELS }, () => random.uniform());
  const targets = new Float32Array(count * CLASSES);
  for (let row = 0; row < count; row++) targets[row * CLASSES + (row % CLASSES)] = 1;
  return { count, inputs, targets };
}

/** As the SDK's trainer takes it; the model's own weights stay as they are. */
function privateStep(model: LayersModel, batch: Batch): () => { wholeMs: number; clippedSumMs: number } {
  const { chain, loss } = lossOf(layerChain(model), 'softmax-cross-entropy');
  const weights = readWeights(model);
  const random = secureRandomSource();
  const noise = { stdDev: NOISE_MULTIPLIER * CLIPPING_NORM, grid: noiseGrid(CLIPPING_NORM, weights.length) };
  return () => {
    const began = performance.now();
    const sum = clippedGradientSum({ chain, loss, weights, batch, clippingNormL2: CLIPPING_NORM });
    const clippedSumMs = performance.now() - began;
    addGaussianNoise(random, sum, noise);
    for (let i = 0; i < weights.length; i++)
      weights[i] = (weights[i] ?? 0) - (LEARNING_RATE * (sum[i] ?? 0)) / batch.count;
    return { wholeMs: performance.now() - began, clippedSumMs };
  };
}

function plainStep(model: LayersModel, { count, inputs, targets }: Batch): number {
  const began = performance.now();
  const shape = model.inputs[0]?.shape.slice(1).map(Number) ?? [];
  tidy(() => {
    train.sgd(LEARNING_RATE).minimize(() => {
      const logits = model.apply(tensor(inputs, [count, ...shape]));
      if (Array.isArray(logits) || !('dataSync' in logits)) throw new Error('expected one tensor');
      return losses.softmaxCrossEntropy(tensor(targets, [count, CLASSES]), logits);
    });
    // Waits until it is done.
    model.weights.at(-1)?.read().dataSync();
  });
  return performance.now() - began;
}

function printSteps({ privateStep: ours, clippedSum, plainStep: plain }: Steps, context: Context, print: Print): void {
  const medianOf = (runs: readonly number[] | string): { value: number | null; context: Context } =>
    typeof runs === 'string'
      ? { value: null, context: { ...context, skipped: runs } }
      : { value: median(runs), context: { ...context, runs } };
  print({ figure: 'private-step', unit: 'ms', ...medianOf(ours) });
  print({ figure: 'clipped-gradient-sum', unit: 'ms', ...medianOf(clippedSum) });
  print({ figure: 'plain-step', unit: 'ms', ...medianOf(plain) });
  const ratio = (runs: readonly number[] | string): { value: number | null; context: Context } => {
    if (typeof plain === 'string') return { value: null, context: { ...context, skipped: plain } };
    return { value: typeof runs === 'string' ? null : median(runs) / median(plain), context };
  };
  print({ figure: 'private-over-plain', unit: 'ratio', ...ratio(ours) });
  print({ figure: 'clipped-gradient-sum-over-plain', unit: 'ratio', ...ratio(clippedSum) });
}
