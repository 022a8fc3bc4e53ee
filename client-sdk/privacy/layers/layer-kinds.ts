// Which of TensorFlow.js's layers the chain knows, by the names that it gives their classes; and what to do instead of
// those that no private training can have.

import { activationLayer, eluLayer, leakyReluLayer, reluLayer, softmaxLayer } from './activation.ts';
import { conv2dLayer } from './conv-2d.ts';
import { denseLayer } from './dense.ts';
import { depthwiseConv2dLayer } from './depthwise-conv-2d.ts';
import { embeddingLayer } from './embedding.ts';
import { globalAveragePoolingLayer } from './global-average-pooling.ts';
import { layerNormalizationLayer } from './layer-normalization.ts';
import type { LayerBuilder } from './layer-source.ts';
import { averagePooling2dLayer, maxPooling2dLayer } from './pooling-2d.ts';
import { permuteLayer, reshapeLayer } from './reshape.ts';
import { zeroPadding2dLayer } from './zero-padding-2d.ts';

export const layerKinds: ReadonlyMap<string, LayerBuilder> = new Map([
  ['InputLayer', () => []],
  ['Dense', denseLayer],
  ['Conv2D', conv2dLayer],
  ['DepthwiseConv2D', depthwiseConv2dLayer],
  ['Embedding', embeddingLayer],
  ['LayerNormalization', layerNormalizationLayer],
  ['Activation', activationLayer],
  ['ReLU', reluLayer],
  ['LeakyReLU', leakyReluLayer],
  ['ELU', eluLayer],
  ['Softmax', softmaxLayer],
  ['Flatten', reshapeLayer],
  ['Reshape', reshapeLayer],
  ['Permute', permuteLayer],
  ['MaxPooling2D', maxPooling2dLayer],
  ['AveragePooling2D', averagePooling2dLayer],
  ['GlobalAveragePooling1D', globalAveragePoolingLayer],
  ['GlobalAveragePooling2D', globalAveragePoolingLayer],
  ['ZeroPadding2D', zeroPadding2dLayer],
]);

interface Forbidden {
  readonly because: string;
  readonly hint: string;
}

const random: Forbidden = {
  because: 'layers without randomness of their own',
  hint: 'leave it out: the noise of private training regularises already',
};
const mixing: Forbidden = {
  because: 'layers in which every example has a gradient of its own, and this one mixes the examples of a batch',
  hint: 'use layerNormalization in its place',
};
const nested: Forbidden = {
  because: 'single layers',
  hint: 'add the layers of the inner model to the outer one',
};

export const forbiddenKinds: ReadonlyMap<string, Forbidden> = new Map([
  ['BatchNormalization', mixing],
  ['Dropout', random],
  ['SpatialDropout1D', random],
  ['GaussianDropout', random],
  ['GaussianNoise', random],
  ['AlphaDropout', random],
  ['Sequential', nested],
  ['Functional', nested],
  ['Model', nested],
]);
