// A TensorFlow.js model, its loss and the examples in, all that private training has to know of them out; and from it
// the clipped sum of any batch. A batch that is too large for the memory is computed in parts whose sums are added
// (privacy/micro-batches.ts): the noise comes once, to the whole (sampled-gaussian.ts).

import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { TensorSchema } from '../../shared/update-format/tensor-schema.ts';
import { type LayerChain, layerChain } from '../privacy/layer-chain.ts';
import { type LossName, lossOf } from '../privacy/losses.ts';
import { clippedGradients } from '../privacy/per-example-gradients.ts';
import type { SumClipped } from '../privacy/sampled-gaussian.ts';
import { type Examples, type ExampleSet, exampleSet } from './example-set.ts';
import { loadBackend } from './load-backend.ts';
import { modelSchema } from './model-layout.ts';

/**
 * The architecture: one chain of layers that can be trained privately. A function is called once, after the backend is
 * loaded, and what it makes is disposed of as soon as it is read. A model given as such stays the caller's.
 */
export type ModelSource = LayersModel | (() => LayersModel | Promise<LayersModel>);

/** What is known once the model is there. */
export interface PreparedModel {
  readonly schema: TensorSchema;
  readonly chain: LayerChain;
  readonly loss: LossName;
  readonly classes: boolean;
}

/** Calls `read` with the model while it is there. */
export async function withModel<T>(source: ModelSource, read: (model: LayersModel) => T): Promise<T> {
  await loadBackend();
  if (typeof source !== 'function') return read(source);
  const made = await source();
  try {
    return read(made);
  } finally {
    made.dispose();
  }
}

/** @throws Error that names the layer which cannot be trained privately, or the loss that does not go with the last. */
export function preparedModel(model: LayersModel, named?: LossName): PreparedModel {
  return { schema: modelSchema(model), ...lossOf(layerChain(model), named) };
}

/** @throws Error where the examples do not fit the model. */
export function preparedExamples({ chain, classes }: PreparedModel, examples: Examples): ExampleSet {
  const { inputLength } = chain[0];
  const { outputLength } = chain.at(-1) ?? chain[0];
  return exampleSet(examples, { inputLength, outputLength, classes });
}

export interface SumOptions extends Pick<PreparedModel, 'chain' | 'loss'> {
  readonly examples: ExampleSet;
  /** Examples computed at a time; undefined: as many as fit. */
  readonly physicalBatchSize: number | undefined;
}

/** At the weights given. */
export function clippedSums({ examples, ...options }: SumOptions, weights: Float32Array): SumClipped {
  return (indices, clippingNormL2) => {
    const batch = examples.batch(indices);
    return clippedGradients({ ...options, weights, batch, clippingNormL2 });
  };
}

/** Undefined: as many as fit. @throws Error for what is no size. */
export function checkedBatchSize(physicalBatchSize: number | undefined): number | undefined {
  if (physicalBatchSize === undefined || physicalBatchSize === Infinity) return physicalBatchSize;
  if (Number.isSafeInteger(physicalBatchSize) && physicalBatchSize > 0) return physicalBatchSize;
  throw new Error(`expected a physicalBatchSize of at least 1 example, found ${physicalBatchSize}`);
}
