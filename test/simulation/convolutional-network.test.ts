import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from '../../client-sdk/training/load-backend.ts';
import { modelSchema, readWeights, writeWeights } from '../../client-sdk/training/model-layout.ts';
import { parameterCount } from '../../shared/update-format/tensor-schema.ts';
import { convolutionalNetwork, networkAccuracy } from '../../simulation/convolutional-network.ts';
import type { Digits } from '../../simulation/digits.ts';

beforeAll(async () => void (await loadBackend()));

const blank = (labels: readonly number[]): Digits => ({
  images: new Float32Array(labels.length * 784),
  labels: Uint8Array.from(labels),
  count: labels.length,
});

describe('the convolutional network', () => {
  it('has the tensors of Opacus’ MNIST example, 26,010 parameters', () => {
    const schema = modelSchema(convolutionalNetwork({ activation: 'tanh', seed: 1 }));
    expect(parameterCount(schema)).toBe(26_010);
    expect(Object.fromEntries(schema.map(({ name, shape }) => [name, shape]))).toEqual({
      'conv1/kernel': [8, 8, 1, 16],
      'conv1/bias': [16],
      'conv2/kernel': [4, 4, 16, 32],
      'conv2/bias': [32],
      'hidden/kernel': [512, 32],
      'hidden/bias': [32],
      'logits/kernel': [32, 10],
      'logits/bias': [10],
    });
  });

  it('begins with weights that its seed fixes, spread over 1 / sqrt(fan-in) and no further', () => {
    const weightsOf = (seed: number): Float32Array => readWeights(convolutionalNetwork({ activation: 'tanh', seed }));
    expect(weightsOf(3)).toEqual(weightsOf(3));
    expect(weightsOf(4)).not.toEqual(weightsOf(3));
    const network = convolutionalNetwork({ activation: 'tanh', seed: 3 });
    for (const [layer, fanIn] of Object.entries({ conv1: 64, conv2: 256, hidden: 512, logits: 32 })) {
      const [kernel, bias] = network.getLayer(layer).getWeights();
      const largest = Math.max(...Array.from(kernel?.dataSync() ?? [], Math.abs));
      expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(fanIn));
      expect(largest).toBeGreaterThan(0.95 / Math.sqrt(fanIn));
      expect(bias?.dataSync().every((value) => value === 0)).toBe(true);
    }
  });

  it('bends by its activation: on the same weights tanh is not ReLU', () => {
    const [tanh, relu] = (['tanh', 'relu'] as const).map((activation) => convolutionalNetwork({ activation, seed: 1 }));
    expect([tanh, relu].map((network) => network?.getLayer('hidden').getConfig()['activation'])).toEqual([
      'tanh',
      'relu',
    ]);
  });
});

describe('its accuracy', () => {
  it('is the share of digits whose own class gets the largest logit, over more than one chunk', () => {
    const network = convolutionalNetwork({ activation: 'tanh', seed: 1 });
    const alwaysSeven = new Float32Array(26_010);
    // In the order of their names the last tensors are the logits' bias and then their kernel of 320.
    alwaysSeven[26_010 - 320 - 10 + 7] = 1;
    writeWeights(network, alwaysSeven);
    const labels = Array.from({ length: 1003 }, (_, place) => (place === 2 || place === 501 || place === 1002 ? 7 : 0));
    expect(networkAccuracy(network, blank(labels))).toBeCloseTo(3 / 1003, 12);
    expect(networkAccuracy(network, blank([7, 7, 1, 7]))).toBe(0.75);
  });
});
