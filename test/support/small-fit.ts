// A private fit that takes milliseconds: a network of 39 parameters on three clusters.

import type { FitOptions } from '../../client-sdk/training/fit-options.ts';
import { writeWeights } from '../../client-sdk/training/model-layout.ts';
import { chainModel, normals } from './chain-models.ts';

const PARAMETERS = 5 * 4 + 4 + 4 * 3 + 3;
export const baseModel = normals(PARAMETERS, 1, 0.5);
export const buildModel = (): ReturnType<typeof chainModel> => {
  const model = chainModel({ widths: [5, 4, 3], final: 'softmax' });
  writeWeights(model, baseModel);
  return model;
};

/** Three classes around three corners, told apart by eye. */
export function clusters(count: number): FitOptions['dataset'] {
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 3);
  const inputs = normals(5 * count, 2, 0.3);
  labels.forEach((label, i) => (inputs[5 * i + label] = (inputs[5 * i + label] ?? NaN) + 2));
  return { inputs, labels };
}

export const smallFit: FitOptions = {
  dataset: clusters(300),
  targetEpsilon: 3,
  targetDelta: 1e-4,
  clippingNormL2: 0.7,
  steps: 12,
  expectedBatchSize: 60,
  learningRate: 0.5,
};
