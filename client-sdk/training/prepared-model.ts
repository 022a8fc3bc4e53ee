// A TensorFlow.js model, its loss and the examples in, all that private training has to know of them out; and from it
// the clipped sum of any batch. A batch that is too large for the memory is computed in parts whose sums are added: the
// noise comes once, to the whole (sampled-gaussian.ts).

import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { TensorSchema } from '../../shared/update-format/tensor-schema.ts';
import { type DenseChain, denseChain } from '../privacy/dense-chain.ts';
import { type LossName, lossOf } from '../privacy/losses.ts';
import { clippedGradientSum } from '../privacy/per-example-gradients.ts';
import type { SumClipped } from '../privacy/sampled-gaussian.ts';
import { type Examples, type ExampleSet, exampleSet } from './example-set.ts';
import { loadBackend } from './load-backend.ts';
import { modelSchema } from './model-layout.ts';

/**
 * The architecture: a chain of dense layers. A function is called once, after the backend is loaded, and what it makes
 * is disposed of as soon as it is read. A model given as such stays the caller's.
 */
export type ModelSource = LayersModel | (() => LayersModel | Promise<LayersModel>);

/** What is known once the model is there. */
export interface PreparedModel {
  readonly schema: TensorSchema;
  readonly chain: DenseChain;
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
  return { schema: modelSchema(model), ...lossOf(denseChain(model), named) };
}

/** @throws Error where the examples do not fit the model. */
export function preparedExamples({ chain, classes }: PreparedModel, examples: Examples): ExampleSet {
  const { inputLength } = chain[0];
  const { outputLength } = chain.at(-1) ?? chain[0];
  return exampleSet(examples, { inputLength, outputLength, classes });
}

export interface SumOptions extends Pick<PreparedModel, 'chain' | 'loss'> {
  readonly examples: ExampleSet;
  /** Examples computed at a time. */
  readonly physicalBatchSize: number;
}

/** At the weights given. */
export function clippedSums(
  { chain, loss, examples, physicalBatchSize }: SumOptions,
  weights: Float32Array,
): SumClipped {
  return (indices, clippingNormL2) => {
    const sum = new Float64Array(weights.length);
    for (let from = 0; from < indices.length; from += physicalBatchSize) {
      const batch = examples.batch(indices.subarray(from, from + physicalBatchSize));
      const part = clippedGradientSum({ chain, loss, weights, batch, clippingNormL2 });
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? NaN) + (part[i] ?? NaN);
    }
    return { sum };
  };
}

/** A batch of any size at once, unless something else is asked for. @throws Error for what is no size. */
export function checkedBatchSize(physicalBatchSize = Infinity): number {
  if (physicalBatchSize === Infinity || (Number.isSafeInteger(physicalBatchSize) && physicalBatchSize > 0)) {
    return physicalBatchSize;
  }
  throw new Error(`expected a physicalBatchSize of at least 1 example, found ${physicalBatchSize}`);
}
