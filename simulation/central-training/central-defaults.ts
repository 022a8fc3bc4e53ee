// What central training does unless it is told otherwise: the settings under which it is compared with other libraries.
// Apart, because it is wanted before TensorFlow.js is.

import type { CentralTask } from './train-centrally.ts';

export const CENTRAL_DEFAULTS: Omit<CentralTask, 'epsilon' | 'learningRate'> = {
  delta: 1e-5,
  epochs: 20,
  expectedBatchSize: 512,
  clippingNormL2: 0.1,
  momentum: 0.9,
};
