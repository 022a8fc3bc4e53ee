// A number of canaries in, private training of them out, in which each has a weight of its own: one dense layer without a
// bias, of which canary k excites input floor(k / width) alone and is wrong at output k mod width alone, so that its
// gradient lies in weight k and nowhere else. It is four times as long as the clipping norm: what clipping leaves is the
// most that any example can do. Every second canary takes part, the others are those that do not.

import { layers, sequential } from '@tensorflow/tfjs-layers';
import type { SumClipped } from '../../client-sdk/privacy/sampled-gaussian.ts';
import { clippedSums, preparedExamples, preparedModel, withModel } from '../../client-sdk/training/prepared-model.ts';

/** C: gradients and noise scale with it, and nothing else does. */
export const CLIPPING_NORM_L2 = 1;
const LENGTH_BEFORE_CLIPPING = 4;
/** Computed at a time. */
const PHYSICAL_BATCH_SIZE = 2048;

/** Even canaries take part. */
export const takesPart = (canary: number): boolean => canary % 2 === 0;

/** As many canaries take part as do not. Weight k of the sum belongs to canary k; those after the last to none. */
export async function canaryGradients(canariesPerSide: number): Promise<SumClipped> {
  const width = Math.ceil(Math.sqrt(2 * canariesPerSide));
  const dense = () => layers.dense({ name: 'canaries', units: width, inputShape: [width], useBias: false });
  const prepared = await withModel(
    () => sequential({ layers: [dense()] }),
    (model) => preparedModel(model, 'mean-squared-error'),
  );
  const examples = preparedExamples(prepared, canaryExamples(canariesPerSide, width));
  // At weights that stay 0: a model that learns would bend the canaries towards each other.
  return clippedSums({ ...prepared, examples, physicalBatchSize: PHYSICAL_BATCH_SIZE }, new Float32Array(width ** 2));
}

function canaryExamples(
  canariesPerSide: number,
  width: number,
): { readonly inputs: Float32Array; readonly labels: Float32Array } {
  const [inputs, labels] = [new Float32Array(canariesPerSide * width), new Float32Array(canariesPerSide * width)];
  // The mean squared error of output 0 at target y has the gradient -2 y / width.
  const target = (-LENGTH_BEFORE_CLIPPING * CLIPPING_NORM_L2 * width) / 2;
  for (let example = 0; example < canariesPerSide; example++) {
    const canary = 2 * example;
    inputs[example * width + Math.floor(canary / width)] = 1;
    labels[example * width + (canary % width)] = target;
  }
  return { inputs, labels };
}
