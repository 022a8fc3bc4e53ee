import { add, mean, memory, serialization, sub, type Tensor } from '@tensorflow/tfjs-core';
import { initializers, type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { layerChain } from '../../../../client-sdk/privacy/layer-chain.ts';
import { UnsupportedModelError } from '../../../../client-sdk/privacy/layers/unsupported-model-error.ts';
import { clippedGradientSum } from '../../../../client-sdk/privacy/per-example-gradients.ts';
import type { Batch } from '../../../../client-sdk/training/example-set.ts';
import { startBackend } from '../../../../client-sdk/training/load-backend.ts';
import { modelSchema, writeWeights } from '../../../../client-sdk/training/model-layout.ts';
import { parameterCount } from '../../../../shared/update-format/tensor-schema.ts';
import { clippedSumOfLoop, largestDifference, normals, randomBatch, rowOf } from '../../../support/chain-models.ts';

const loss = 'mean-squared-error';

/** A dense layer before and behind, so that gradients come from above and go on below. */
const around = (layer: Parameters<ReturnType<typeof sequential>['add']>[0], isSequence = false): LayersModel =>
  sequential({
    layers: [
      layers.dense({ units: 3, inputShape: [4, 2], activation: 'tanh' }),
      layer,
      ...(isSequence ? [layers.flatten()] : []),
      layers.dense({ units: 2 }),
    ],
  });

const cases: readonly (readonly [string, () => LayersModel])[] = [
  ['LSTM', () => around(layers.lstm({ units: 3, recurrentInitializer: 'zeros' }))],
  ['GRU', () => around(layers.gru({ units: 2, recurrentInitializer: 'zeros', returnSequences: true }), true)],
  ['Conv1D', () => around(layers.conv1d({ filters: 2, kernelSize: 2, activation: 'tanh' }), true)],
  ['PReLU', () => around(layers.prelu({ alphaInitializer: 'ones' }), true)],
  ['TimeDistributed', () => around(layers.timeDistributed({ layer: layers.dense({ units: 2 }) }), true)],
];

describe('a layer that is trained one example at a time', () => {
  beforeAll(async () => {
    await startBackend('cpu');
  });

  it.each(cases)('is announced, and has the gradients of the loop, without a tensor left: %s', (kind, build) => {
    const model = build();
    const warnings: string[] = [];
    const chain = layerChain(model, (warning) => warnings.push(warning));
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`\\(${kind}\\).*one example at a time.*slow`))]);
    const weights = normals(parameterCount(modelSchema(model)), 3, 0.5);
    writeWeights(model, weights);
    const batch = randomBatch({ count: 3, inputLength: 8, outputLength: 2, seed: 5 });
    const expected = [0.3, Infinity].map((clip) => clippedSumOfLoop(model, { loss, batch, clip }));
    model.dispose();
    const before = memory();
    [0.3, Infinity].forEach((clippingNormL2, i) => {
      const found = clippedGradientSum({ chain, loss, weights, batch, clippingNormL2 });
      expect(largestDifference(found, expected[i] ?? [])).toBeLessThan(1e-5);
    });
    expect(memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
  });

  it('says so on standard error unless told otherwise', () => {
    const { warn } = console;
    const warnings: unknown[] = [];
    console.warn = (...words: unknown[]) => void warnings.push(...words);
    try {
      layerChain(around(layers.lstm({ units: 3, recurrentInitializer: 'zeros' })));
    } finally {
      console.warn = warn;
    }
    expect(warnings).toEqual([expect.stringContaining('one example at a time')]);
  });

  it('sees no other example, whatever it computes; a class of your own has to be registered', () => {
    const model = sequential({
      layers: [layers.dense({ units: 3, inputShape: [2] }), new Centred({ name: 'odd' }), layers.dense({ units: 1 })],
    });
    expect(() => layerChain(model, () => {})).toThrow(UnsupportedModelError);
    expect(() => layerChain(model, () => {})).toThrow(/"odd".*registered.*registerClass/);
    serialization.registerClass(Centred);
    const chain = layerChain(model, () => {});
    const weights = normals(parameterCount(modelSchema(model)), 3);
    const batch = randomBatch({ count: 3, inputLength: 2, outputLength: 1, seed: 5 });
    const sumOf = (part: Batch): Float64Array =>
      clippedGradientSum({ chain, loss, weights, batch: part, clippingNormL2: Infinity });
    const alone = [0, 1, 2].map((row) => sumOf(rowOf(batch, row)));
    const expected = weights.map((_, i) => alone.reduce((sum, one) => sum + (one[i] ?? NaN), 0));
    expect(largestDifference(sumOf(batch), expected)).toBeLessThan(1e-5);
    model.dispose();
  });
});

describe('a layer whose gradient the backend lacks', () => {
  it('is named, with what to do instead', async () => {
    await startBackend('wasm');
    const model = sequential({
      layers: [layers.conv1d({ name: 'odd', filters: 2, kernelSize: 2, inputShape: [4, 2] }), layers.flatten()],
    });
    const chain = layerChain(model, () => {});
    const weights = normals(parameterCount(modelSchema(model)), 3);
    const batch = randomBatch({ count: 2, inputLength: 8, outputLength: 6, seed: 5 });
    expect(() => clippedGradientSum({ chain, loss, weights, batch, clippingNormL2: 1 })).toThrow(
      /"wasm".*layer "odd".*Conv2DBackpropFilter.*native backend or cpu/,
    );
    model.dispose();
  });
});

/** Subtracts the mean of the batch, so that of one example alone nothing is left but the weight. */
class Centred extends layers.Layer {
  static readonly className = 'Centred';
  override build(): void {
    this.addWeight('shift', [3], 'float32', initializers.zeros());
    this.built = true;
  }
  override call(inputs: Tensor | Tensor[]): Tensor {
    const [batch] = [inputs].flat();
    const [shift] = this.weights;
    if (batch === undefined || shift === undefined) throw new Error('expected one input and one weight');
    return add(sub(batch, mean(batch, 0, true)), shift.read());
  }
}
