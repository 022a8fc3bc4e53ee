import { tensor2d, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { losses } from '../../../client-sdk/privacy/losses.ts';
import { startBackend } from '../../../client-sdk/training/load-backend.ts';

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of one example, as their names say, in float64. */
const definitions = {
  'softmax-cross-entropy': (z: readonly number[], y: readonly number[]) => {
    const all = z.reduce((sum, one) => sum + Math.exp(one), 0);
    return z.reduce((loss, one, k) => loss - (y[k] ?? NaN) * Math.log(Math.exp(one) / all), 0);
  },
  'sigmoid-cross-entropy': (z: readonly number[], y: readonly number[]) =>
    mean(z.map((one, k) => -(y[k] ?? NaN) * Math.log(sigmoid(one)) - (1 - (y[k] ?? NaN)) * Math.log(sigmoid(-one)))),
  'mean-squared-error': (z: readonly number[], y: readonly number[]) =>
    mean(z.map((one, k) => (one - (y[k] ?? NaN)) ** 2)),
} as const;

describe.each(['softmax-cross-entropy', 'sigmoid-cross-entropy', 'mean-squared-error'] as const)(
  'the loss %s',
  (name) => {
    beforeAll(async () => {
      await startBackend('cpu');
    });

    it('has the gradients of its definition, one example a row, also for targets that do not sum to 1', () => {
      const outputs = [
        [0.3, -1.2, 2],
        [-0.5, 4, 0.1],
      ];
      const targets = [
        [0.2, 0.9, 0.6],
        [0, 1, 0],
      ];
      const found = tidy(() => losses[name].gradients(tensor2d(outputs), tensor2d(targets)).arraySync());
      outputs.forEach((row, example) =>
        row.forEach((value, k) => {
          const at = (moved: number): number => definitions[name](row.with(k, moved), targets[example] ?? []);
          const slope = (at(value + 1e-5) - at(value - 1e-5)) / 2e-5;
          expect(found[example]?.[k]).toBeCloseTo(slope, 5);
        }),
      );
    });

    it('has finite gradients however far off the outputs are', () => {
      const found = tidy(() => losses[name].gradients(tensor2d([[1e4, -1e4]]), tensor2d([[0, 1]])).dataSync());
      expect([...found].every(Number.isFinite)).toBe(true);
    });
  },
);
