// GlobalAveragePooling1D and GlobalAveragePooling2D: the mean over all positions, of each channel.

import { mean, mul, ones, reshape } from '@tensorflow/tfjs-core';
import { type ChainLayer, parameterFree, productOf } from './chain-layer.ts';
import { channelsLast } from './image-settings.ts';
import { z } from 'zod';
import { type LayerSource, settingsOf } from './layer-source.ts';

export function globalAveragePoolingLayer(source: LayerSource): readonly ChainLayer[] {
  settingsOf(source, z.object({ dataFormat: channelsLast }));
  const channels = source.inputShape.at(-1) ?? 1;
  const positions = productOf(source.inputShape) / channels;
  const layer = parameterFree(source, (inputs) => {
    const count = inputs.shape[0] ?? 0;
    return {
      outputs: mean(reshape(inputs, [count, positions, channels]), 1),
      back: (outputGradients) => {
        const shares = mul(reshape(outputGradients, [count, 1, channels]), 1 / positions);
        return reshape(mul(shares, ones([1, positions, 1])), inputs.shape);
      },
    };
  });
  return [layer];
}
