// The demo's terms as a training task, for tests.

import type { TrainingTask } from '../../client-sdk/training/trainer.ts';
import { softmaxRegressionSchema } from '../../simulation/softmax-regression.ts';

export function simulatedTask(changes: Partial<TrainingTask> = {}): TrainingTask {
  return {
    round: 1,
    baseModel: new Float32Array(7850),
    schema: softmaxRegressionSchema,
    training: { learningRate: 2, stepsPerRound: 10, samplingRate: 0.1, expectedBatchSize: 40, clippingNormL2: 1 },
    privacy: {
      mode: 'local',
      noiseMultiplier: 1.03,
      epsilonBudget: 8,
      delta: 1e-4,
      adjacency: 'add-remove',
      unit: 'example',
      void: true,
    },
    signal: new AbortController().signal,
    ...changes,
  };
}
