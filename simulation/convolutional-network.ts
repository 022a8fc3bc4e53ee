// The convolutional network of Opacus' MNIST example (opacus/examples/mnist.py), by which private training is compared
// across libraries, and its accuracy. Ends in logits: the loss is softmax cross-entropy. With tanh in the place of ReLU
// activations stay bounded, which clipped gradients like better (Papernot et al., arXiv 2007.14191, section 3).

import { argMax, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { initializers, type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { type Digits, PIXELS_PER_IMAGE } from './digits.ts';

const SIDE = Math.sqrt(PIXELS_PER_IMAGE);
const CLASSES = 10;
/** With weights. */
const LAYERS = 4;
/** Judged at a time. */
const CHUNK = 500;

export interface NetworkForm {
  readonly activation: 'relu' | 'tanh';
  /** Of the first weights: uniform within 1 / sqrt(fan-in), biases 0. */
  readonly seed: number;
}

/** 26,010 parameters. Wants a backend to be loaded. */
export function convolutionalNetwork({ activation, seed }: NetworkForm): LayersModel {
  const drawn = (layer: number) => ({
    kernelInitializer: initializers.varianceScaling({
      scale: 1 / 3,
      mode: 'fanIn',
      distribution: 'uniform',
      seed: LAYERS * seed + layer,
    }),
  });
  const pool = () => layers.maxPooling2d({ poolSize: 2, strides: 1 });
  return sequential({
    layers: [
      layers.zeroPadding2d({ inputShape: [SIDE, SIDE, 1], padding: 3 }),
      layers.conv2d({ name: 'conv1', filters: 16, kernelSize: 8, strides: 2, activation, ...drawn(0) }),
      pool(),
      layers.conv2d({ name: 'conv2', filters: 32, kernelSize: 4, strides: 2, activation, ...drawn(1) }),
      pool(),
      layers.flatten(),
      layers.dense({ name: 'hidden', units: 32, activation, ...drawn(2) }),
      layers.dense({ name: 'logits', units: CLASSES, ...drawn(3) }),
    ],
  });
}

/** Share of the digits whose class gets the largest logit, 0-1. */
export function networkAccuracy(model: LayersModel, { images, labels, count }: Digits): number {
  let correct = 0;
  for (let start = 0; start < count; start += CHUNK) {
    const chunk = images.subarray(start * PIXELS_PER_IMAGE, (start + CHUNK) * PIXELS_PER_IMAGE);
    const classes = tidy(() => {
      const inputs = tensor4d(chunk, [chunk.length / PIXELS_PER_IMAGE, SIDE, SIDE, 1]);
      const logits = model.apply(inputs);
      if (Array.isArray(logits) || !('dataSync' in logits)) throw new Error('expected one tensor of logits');
      return argMax(logits, 1).dataSync();
    });
    classes.forEach((named, row) => {
      if (named === labels[start + row]) correct++;
    });
  }
  return correct / count;
}
