// Activation, and the layers that are one: ReLU, LeakyReLU, ELU, Softmax. Their functions stand in ../activations.ts.

import { clipByValue, grad, leakyRelu, relu, type Tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type ActivationName, activations, isActivationName } from '../activations.ts';
import { type ChainLayer, parameterFree } from './chain-layer.ts';
import { floatsOf, tensorOf } from './floats.ts';
import { type LayerSource, settingsOf } from './layer-source.ts';
import { newRoom, type Room } from './room.ts';
import { UnsupportedModelError } from './unsupported-model-error.ts';

export const activationLayer = (source: LayerSource): readonly ChainLayer[] => activationOf(source);

/** Of any layer that has a setting of this name; none for `linear`. */
export function activationOf(source: LayerSource): readonly ChainLayer[] {
  const name = source.layer.getConfig()['activation'];
  if (!isActivationName(name)) {
    throw new UnsupportedModelError(source.layer, `one of the activations ${Object.keys(activations).join(', ')}`);
  }
  return name === 'linear' ? [] : [named(source, name)];
}

const reluSettings = z.object({ maxValue: z.number().nullish() });

export function reluLayer(source: LayerSource): readonly ChainLayer[] {
  const { maxValue } = settingsOf(source, reluSettings);
  if (maxValue == null) return [named(source, 'relu')];
  return [elementwise(source, (x) => clipByValue(relu(x), 0, maxValue))];
}

export const leakyReluLayer = (source: LayerSource): readonly ChainLayer[] => {
  const { alpha } = settingsOf(source, z.object({ alpha: z.number() }));
  return [elementwise(source, (x) => leakyRelu(x, alpha))];
};

export const eluLayer = (source: LayerSource): readonly ChainLayer[] => [named(source, 'elu')];

export function softmaxLayer(source: LayerSource): readonly ChainLayer[] {
  const { axis } = settingsOf(source, z.object({ axis: z.number() }));
  if (axis !== -1 && axis !== source.inputShape.length) {
    throw new UnsupportedModelError(source.layer, 'the last axis', 'put a permute layer before it');
  }
  return [named(source, 'softmax')];
}

function named({ name, outputShape }: LayerSource, activation: ActivationName): ChainLayer {
  const { apply, slope } = activations[activation];
  const shapes = { name, inputShape: outputShape, outputShape };
  if (slope === undefined) return { ...elementwise(shapes, apply), activation };
  const room = newRoom();
  const layer = parameterFree(shapes, (inputs) => {
    const outputs = apply(inputs);
    return { outputs, back: (outputGradients) => timesSlope(outputGradients, outputs, { slope, room }) };
  });
  return { ...layer, activation };
}

function timesSlope(
  outputGradients: Tensor,
  outputs: Tensor,
  { slope, room }: { slope: (y: number) => number; room: Room },
): Tensor {
  const gradients = floatsOf(outputGradients);
  const results = floatsOf(outputs);
  const before = room(gradients.length);
  for (let i = 0; i < before.length; i++) before[i] = (gradients[i] ?? 0) * slope(results[i] ?? 0);
  return tensorOf(before, outputs.shape);
}

function elementwise(
  { name, outputShape }: Pick<LayerSource, 'name' | 'outputShape'>,
  apply: (x: Tensor) => Tensor,
): ChainLayer {
  return parameterFree({ name, inputShape: outputShape, outputShape }, (inputs) => ({
    outputs: apply(inputs),
    back: (outputGradients) => grad(apply)(inputs, outputGradients),
  }));
}
