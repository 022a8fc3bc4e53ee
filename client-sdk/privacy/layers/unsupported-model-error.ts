// Says which layer of a model cannot be trained privately, what was expected of it and what to do instead.

import type { LayersModel } from '@tensorflow/tfjs-layers';

export type ModelLayer = LayersModel['layers'][number];

export class UnsupportedModelError extends Error {
  override readonly name = 'UnsupportedModelError';
  constructor(layer: ModelLayer, expected: string, hint = 'replace it, or bring a Trainer of your own') {
    super(`layer "${layer.name}" (${layer.getClassName()}) cannot be trained privately: expected ${expected}; ${hint}`);
  }
}
