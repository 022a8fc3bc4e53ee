import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { layerChain, type LayerChain } from '../../../client-sdk/privacy/layer-chain.ts';
import { microBatches } from '../../../client-sdk/privacy/micro-batches.ts';
import { loadBackend } from '../../../client-sdk/training/load-backend.ts';
import { randomBatch } from '../../support/chain-models.ts';
import { fc } from '../../support/properties.ts';

const chainOf = (...given: Parameters<ReturnType<typeof sequential>['add']>[0][]): LayerChain => {
  const model = sequential({ layers: given });
  const chain = layerChain(model);
  model.dispose();
  return chain;
};

describe('microBatches', () => {
  beforeAll(loadBackend);

  it('gives every finite example once, in order, in parts of at most the size asked for', () => {
    const chain = chainOf(layers.dense({ units: 2, inputShape: [3] }));
    const poisons = fc.array(fc.record({ row: fc.nat(9), value: fc.constantFrom(NaN, Infinity, -Infinity) }));
    fc.assert(
      fc.property(fc.nat(10), fc.integer({ min: 1, max: 12 }), poisons, (count, size, poison) => {
        const batch = randomBatch({ count, inputLength: 3, outputLength: 2, seed: 1 });
        poison.forEach(({ row, value }, i) => {
          const [values, width] = i % 2 === 0 ? [batch.inputs, 3] : [batch.targets, 2];
          if (row < count) values[row * width] = value;
        });
        const bad = new Set(poison.map(({ row }) => row));
        const kept = Array.from({ length: count }, (_, row) => row).filter((row) => !bad.has(row));
        const parts = [...microBatches({ chain, batch, physicalBatchSize: size })];
        expect(parts.every((part) => part.count >= 1 && part.count <= size)).toBe(true);
        const [inputs, targets] = [3, 2].map((width, i) =>
          kept.flatMap((row) => [...(i === 0 ? batch.inputs : batch.targets).subarray(row * width, (row + 1) * width)]),
        );
        expect(parts.flatMap((part) => [...part.inputs])).toEqual(inputs);
        expect(parts.flatMap((part) => [...part.targets])).toEqual(targets);
      }),
      { seed: 1 },
    );
  });

  it('takes fewer examples at a time where a layer holds more for each', () => {
    const batch = randomBatch({ count: 40, inputLength: 64 * 64, outputLength: 1, seed: 1 });
    const largest = (filters: number): number => {
      const image = layers.conv2d({ filters, kernelSize: 3, padding: 'same', inputShape: [64, 64, 1] });
      const chain = chainOf(
        image,
        layers.conv2d({ filters, kernelSize: 3 }),
        layers.flatten(),
        layers.dense({ units: 1 }),
      );
      return Math.max(...[...microBatches({ chain, batch })].map(({ count }) => count));
    };
    expect(largest(1)).toBe(40);
    // Windows of 62 x 62 places, 9 x 32 values each, and their gradients: 8.9 MB an example, so 15 take 128 MB at most.
    expect(largest(32)).toBeGreaterThan(5);
    expect(largest(32)).toBeLessThanOrEqual(15);
  });

  it('refuses a size below one', () => {
    const chain = chainOf(layers.dense({ units: 2, inputShape: [3] }));
    const batch = randomBatch({ count: 2, inputLength: 3, outputLength: 2, seed: 1 });
    for (const physicalBatchSize of [0, -1, NaN]) {
      expect(() => [...microBatches({ chain, batch, physicalBatchSize })]).toThrow(/at least 1/);
    }
  });
});
