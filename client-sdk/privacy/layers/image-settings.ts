// Settings that layers on images share, as TensorFlow.js writes them down.

import { z } from 'zod';
import type { LayerSource } from './layer-source.ts';
import { UnsupportedModelError } from './unsupported-model-error.ts';

export const pair = z.tuple([z.int().positive(), z.int().positive()]);
export const padding = z.enum(['valid', 'same']);
export const channelsLast = z.literal('channelsLast', 'expected channelsLast').nullish();

/** Height, width and channels of one example. */
export function imageOf({ layer, inputShape }: LayerSource): { image: readonly [number, number]; channels: number } {
  const [height, width, channels] = inputShape;
  if (height === undefined || width === undefined || channels === undefined || inputShape.length !== 3) {
    throw new UnsupportedModelError(layer, 'images of height, width and channels', 'put a reshape layer before it');
  }
  return { image: [height, width], channels };
}
