import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { layerChain } from '../../../../client-sdk/privacy/layer-chain.ts';
import { clippedGradientSum } from '../../../../client-sdk/privacy/per-example-gradients.ts';
import type { Batch } from '../../../../client-sdk/training/example-set.ts';
import { loadBackend } from '../../../../client-sdk/training/load-backend.ts';
import { normals, normL2 } from '../../../support/chain-models.ts';

describe('an embedding', () => {
  beforeAll(loadBackend);

  const model = () =>
    sequential({
      layers: [
        layers.embedding({ inputDim: 4, outputDim: 2, inputLength: 2 }),
        layers.reLU(),
        layers.flatten(),
        layers.dense({ units: 1, useBias: false }),
      ],
    });
  const sumOf = (inputs: number[], weights = normals(12, 1)): Float64Array => {
    const built = model();
    const count = inputs.length / 2;
    const batch: Batch = { count, inputs: Float32Array.from(inputs), targets: new Float32Array(count).fill(3) };
    const sum = clippedGradientSum({
      chain: layerChain(built),
      loss: 'mean-squared-error',
      weights,
      batch,
      clippingNormL2: 1,
    });
    built.dispose();
    return sum;
  };

  it.each([4, -1, 1.5, 1e9])(
    'leaves out an example that holds %d, which is no row, and touches nobody else',
    (wrong) => {
      expect(normL2(sumOf([1, wrong]))).toBe(0);
      expect(sumOf([1, 2, 3, wrong])).toEqual(sumOf([1, 2]));
    },
  );

  it('adds the gradients of a repeated row before it squares them', () => {
    // Dense weights 3 and 4 a place, alike for both; row 0 is (1, 1): the output is 14, the gradient of it 2 (14 - 3).
    const weights = Float32Array.of(3, 4, 3, 4, 1, 1, 1, 1, 1, 1, 1, 1);
    const ofRows = (sum: Float64Array): number[] => [...sum.subarray(4)];
    const slope = 22;
    const [once, dense] = [[3 * slope, 4 * slope], 2 * slope];
    const norms = {
      apart: Math.hypot(...once, ...once, dense),
      repeated: Math.hypot(...once.map((g) => 2 * g), dense),
    };
    const margin = 1 - 2 ** -10;
    const apart = ofRows(sumOf([0, 1], weights));
    const repeated = ofRows(sumOf([0, 0], weights));
    const scaled = (factor: number, norm: number): number[] => once.map((g) => (factor * g * margin) / norm);
    [...scaled(1, norms.apart), ...scaled(1, norms.apart), 0, 0, 0, 0].forEach((g, i) =>
      expect(apart[i]).toBeCloseTo(g, 6),
    );
    [...scaled(2, norms.repeated), 0, 0, 0, 0, 0, 0].forEach((g, i) => expect(repeated[i]).toBeCloseTo(g, 6));
  });
});
