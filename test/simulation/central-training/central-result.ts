// A result as a central training would have it: three runs of each budget that differ by two points.

import type { CentralBudget, CentralResult } from '../../../simulation/central-training/central-training.ts';
import type { CentralRun } from '../../../simulation/central-training/train-centrally.ts';

export const centralResult = (epsilons: readonly number[]): CentralResult => ({
  network: 'opacus-mnist-cnn-tanh',
  backend: 'wasm',
  judgedOn: 'test',
  seed: 1,
  trained: 8000,
  judged: [1, 2, 3],
  unused: [],
  delta: 1e-5,
  accountant: 'rdp-test',
  adjacency: 'add-remove',
  unit: 'example',
  budgets: epsilons.map(budgetOf),
});

const budgetOf = (epsilon: number): CentralBudget => ({
  epsilon,
  delta: 1e-5,
  epochs: 2,
  expectedBatchSize: 512,
  clippingNormL2: 0.1,
  learningRate: 1,
  momentum: 0.9,
  accuracy: { min: 0.88, median: 0.9, max: 0.92 },
  runs: [0, 0.02, -0.02].map((above, run) => runOf(epsilon, run, above)),
});

export const runOf = (epsilon: number, seed: number, above: number): CentralRun => ({
  seed,
  seconds: 1,
  noiseMultiplier: 1.5,
  samplingRate: 0.064,
  steps: 32,
  epsilon,
  accuracy: 0.9 + above,
  curve: [0.1, 0.7, 0.9].map((accuracy, epoch) => ({
    epoch,
    step: 16 * epoch,
    epsilon: (epsilon * epoch) / 2,
    accuracy: accuracy + above,
  })),
});
