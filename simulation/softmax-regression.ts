// The demo's model: softmax regression on 784 pixels. Its tensors, its tfjs form for local training, and its accuracy in
// plain JS, so that judging a model needs no backend and an independent script can repeat it. Its first weights are the
// coordinator's to make, from the federation's seed.

import type { LayersModel } from '@tensorflow/tfjs-layers';
import { canonicalOrder, type TensorSchema } from '../shared/update-format/tensor-schema.ts';
import { type Digits, PIXELS_PER_IMAGE } from './digits.ts';

const CLASSES = 10;
const LAYER = 'digits';

/** Canonical order puts the 10 biases before the 7,840 kernel values (pixel by pixel, 10 classes each). */
export const softmaxRegressionSchema: TensorSchema = canonicalOrder([
  { name: `${LAYER}/kernel`, shape: [PIXELS_PER_IMAGE, CLASSES] },
  { name: `${LAYER}/bias`, shape: [CLASSES] },
]);

/** For `localTrainer`, which loads the backend before it calls this. */
export async function softmaxRegressionModel(): Promise<LayersModel> {
  const { layers, sequential } = await import('@tensorflow/tfjs-layers');
  const dense = layers.dense({ name: LAYER, units: CLASSES, activation: 'softmax', inputShape: [PIXELS_PER_IMAGE] });
  return sequential({ layers: [dense] });
}

/** Share of the digits whose class gets the largest logit, 0-1. Ties and NaN as numpy's argmax: see `argmax`. */
export function accuracyOf(parameters: Float32Array, { images, labels, count }: Digits): number {
  let correct = 0;
  for (let row = 0; row < count; row++) {
    const image = images.subarray(row * PIXELS_PER_IMAGE, (row + 1) * PIXELS_PER_IMAGE);
    if (argmax(logitsOf(parameters, image)) === labels[row]) correct++;
  }
  return correct / count;
}

/** Bias plus image times kernel, in float64. */
function logitsOf(parameters: Float32Array, image: Float32Array): Float64Array {
  const logits = Float64Array.from(parameters.subarray(0, CLASSES));
  for (let pixel = 0, at = CLASSES; pixel < image.length; pixel++) {
    const value = image[pixel] ?? NaN;
    for (let i = 0; i < CLASSES; i++, at++) logits[i] = (logits[i] ?? NaN) + value * (parameters[at] ?? NaN);
  }
  return logits;
}

/** The first of the largest; the first NaN where there is one, so that a broken model is not flattered. */
function argmax(values: Float64Array): number {
  const firstNaN = values.findIndex(Number.isNaN);
  return firstNaN >= 0 ? firstNaN : values.indexOf(Math.max(...values));
}
