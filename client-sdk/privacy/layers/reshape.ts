// Flatten, Reshape and Permute: the same values in another shape or order.

import { transpose } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type ChainLayer, parameterFree } from './chain-layer.ts';
import { shaped } from './floats.ts';
import { channelsLast } from './image-settings.ts';
import { type LayerSource, settingsOf } from './layer-source.ts';

export function reshapeLayer(source: LayerSource): readonly ChainLayer[] {
  settingsOf(source, z.object({ dataFormat: channelsLast }));
  const layer = parameterFree(source, (inputs) => ({
    outputs: shaped(inputs, [inputs.shape[0] ?? 0, ...source.outputShape]),
    back: (outputGradients) => shaped(outputGradients, inputs.shape),
  }));
  return [layer];
}

export function permuteLayer(source: LayerSource): readonly ChainLayer[] {
  const { dims } = settingsOf(source, z.object({ dims: z.array(z.int().positive()) }));
  const order = [0, ...dims];
  const inverse = order.map((_, axis) => order.indexOf(axis));
  const layer = parameterFree(source, (inputs) => ({
    outputs: transpose(inputs, order),
    back: (outputGradients) => transpose(outputGradients, inverse),
  }));
  return [layer];
}
