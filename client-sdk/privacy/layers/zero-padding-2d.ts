// ZeroPadding2D: zeros around an image; what comes back to them is dropped.

import { pad, slice } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type ChainLayer, parameterFree } from './chain-layer.ts';
import { channelsLast } from './image-settings.ts';
import { type LayerSource, settingsOf } from './layer-source.ts';

const edges = z.tuple([z.int().nonnegative(), z.int().nonnegative()]);
const schema = z.object({ padding: z.tuple([edges, edges]), dataFormat: channelsLast });

export function zeroPadding2dLayer(source: LayerSource): readonly ChainLayer[] {
  const [rows, columns] = settingsOf(source, schema).padding;
  const layer = parameterFree(source, (inputs) => ({
    outputs: pad(inputs, [[0, 0], rows, columns, [0, 0]]),
    back: (outputGradients) => slice(outputGradients, [0, rows[0], columns[0], 0], inputs.shape),
  }));
  return [layer];
}
