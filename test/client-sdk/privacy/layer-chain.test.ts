import { input, type LayersModel, layers, model, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { layerChain } from '../../../client-sdk/privacy/layer-chain.ts';
import { UnsupportedModelError } from '../../../client-sdk/privacy/layers/unsupported-model-error.ts';
import { lossOf } from '../../../client-sdk/privacy/losses.ts';
import { loadBackend } from '../../../client-sdk/training/load-backend.ts';
import { chainModel } from '../../support/chain-models.ts';

beforeAll(loadBackend);

type Layer = Parameters<Sequential['add']>[0];

/** A dense layer on 4 inputs, then the given layers. */
const after = (...others: Layer[]): LayersModel =>
  sequential({ layers: [layers.dense({ name: 'first', units: 4, inputShape: [4] }), ...others] });

/** A convolution on small images, then the given layer. */
const images = (layer: Layer): LayersModel =>
  sequential({
    layers: [layers.conv2d({ filters: 2, kernelSize: 1, inputShape: [3, 3, 2] }), layer, layers.flatten()],
  });

describe('layerChain', () => {
  it('reads a sequential and a functional model alike, flatten and separate activations included', () => {
    const stacked = sequential({
      layers: [
        layers.flatten({ inputShape: [2, 3] }),
        layers.dense({ name: 'b', units: 4 }),
        layers.activation({ activation: 'tanh' }),
        layers.dense({ name: 'a', units: 2, useBias: false, activation: 'softmax' }),
      ],
    });
    const start = input({ shape: [2, 3] });
    const hidden = layers.dense({ name: 'b', units: 4, activation: 'tanh' }).apply(layers.flatten().apply(start));
    const end = layers.dense({ name: 'a', units: 2, useBias: false, activation: 'softmax' }).apply(hidden);
    if (!('sourceLayer' in end)) throw new Error('expected a symbolic tensor');
    const expected = [
      { name: 'b', inputLength: 6, outputLength: 4, trainable: true, activation: null },
      { name: expect.any(String), inputLength: 4, outputLength: 4, trainable: false, activation: 'tanh' },
      { name: 'a', inputLength: 4, outputLength: 2, trainable: true, activation: null },
      { name: 'a', inputLength: 2, outputLength: 2, trainable: false, activation: 'softmax' },
    ];
    const flattened = { inputShape: [2, 3], inputLength: 6, outputLength: 6, trainable: false };
    expect(layerChain(stacked)).toMatchObject([flattened, ...expected]);
    expect(layerChain(model({ inputs: start, outputs: end }))).toMatchObject([flattened, ...expected]);
  });

  it.each<[string, () => LayersModel]>([
    ['Dropout', () => after(layers.dropout({ name: 'odd', rate: 0.5 }), layers.dense({ units: 1 }))],
    ['BatchNormalization', () => after(layers.batchNormalization({ name: 'odd' }))],
    ['Sequential', () => after(sequential({ name: 'odd', layers: [layers.dense({ units: 2, inputShape: [4] })] }))],
    ['RepeatVector', () => after(layers.repeatVector({ name: 'odd', n: 2 }), layers.flatten())],
    ['mixes the examples', () => images(layers.batchNormalization({ name: 'odd' }))],
    [
      'mixes the examples',
      () =>
        sequential({
          layers: [
            layers.timeDistributed({ name: 'odd', layer: layers.batchNormalization(), inputShape: [2, 3] }),
            layers.flatten(),
          ],
        }),
    ],
    ['axes', () => images(layers.layerNormalization({ name: 'odd', axis: [1, 2] }))],
    ['axes', () => images(layers.layerNormalization({ name: 'odd', axis: 1 }))],
    [
      'dataFormat',
      () => images(layers.conv2d({ name: 'odd', filters: 1, kernelSize: 1, dataFormat: 'channelsFirst' })),
    ],
    ['dataFormat', () => images(layers.maxPooling2d({ name: 'odd', poolSize: 1, dataFormat: 'channelsFirst' }))],
    ['dilationRate', () => images(layers.depthwiseConv2d({ name: 'odd', kernelSize: 2, dilationRate: 2 }))],
    [
      'constraint on its weights',
      () => images(layers.depthwiseConv2d({ name: 'odd', kernelSize: 2, depthwiseConstraint: 'nonNeg' })),
    ],
    ['betaRegularizer', () => images(layers.layerNormalization({ name: 'odd', betaRegularizer: 'l1l2' }))],
    [
      'maskZero',
      () =>
        sequential({
          layers: [
            layers.embedding({ name: 'odd', inputDim: 3, outputDim: 2, inputLength: 2, maskZero: true }),
            layers.flatten(),
          ],
        }),
    ],
    ['begin the model', () => after(layers.embedding({ name: 'odd', inputDim: 3, outputDim: 2 }), layers.flatten())],
    ['last axis', () => images(layers.softmax({ name: 'odd', axis: 1 }))],
    [
      'dropout',
      () =>
        sequential({
          layers: [
            layers.gru({ name: 'odd', units: 2, dropout: 0.1, recurrentInitializer: 'zeros', inputShape: [2, 3] }),
          ],
        }),
    ],
    [
      'stateful',
      () =>
        sequential({
          layers: [
            layers.gru({
              name: 'odd',
              units: 2,
              stateful: true,
              recurrentInitializer: 'zeros',
              batchInputShape: [1, 2, 3],
            }),
          ],
        }),
    ],
    ['inputShape', () => sequential({ layers: [layers.dense({ name: 'odd', units: 1, inputShape: [null, 3] })] })],
    ['kernelRegularizer', () => after(layers.dense({ name: 'odd', units: 1, kernelRegularizer: 'l1l2' }))],
    ['kernelConstraint', () => after(layers.dense({ name: 'odd', units: 1, kernelConstraint: 'nonNeg' }))],
    ['trainable', () => after(layers.dense({ name: 'odd', units: 1, trainable: false }))],
    ['activations', () => after(layers.dense({ name: 'odd', units: 1, activation: 'gelu' }))],
    ['flat output', () => sequential({ layers: [layers.dense({ name: 'odd', units: 1, inputShape: [2, 3] })] })],
  ])('refuses by the name of its layer what it cannot bound: %s', (word, build) => {
    expect(() => layerChain(build())).toThrow(UnsupportedModelError);
    expect(() => layerChain(build())).toThrow(/"odd"/);
    expect(() => layerChain(build())).toThrow(new RegExp(word));
  });

  it('refuses a branch, a layer used twice and a second input', () => {
    const start = input({ shape: [4] });
    const shared = layers.dense({ name: 'shared', units: 4 });
    const [one, two] = [shared.apply(start), layers.dense({ name: 'side', units: 4 }).apply(start)];
    const twice = shared.apply(one);
    const other = input({ shape: [4] });
    for (const result of [one, two, twice])
      if (!('sourceLayer' in result)) throw new Error('expected symbolic tensors');
    const end = (tensors: (typeof one)[]): ReturnType<typeof input> => {
      const symbolic = tensors.flatMap((tensor) => ('sourceLayer' in tensor ? [tensor] : []));
      const sum = symbolic.length === 1 ? symbolic[0] : layers.add({ name: 'sum' }).apply(symbolic);
      if (sum === undefined || !('sourceLayer' in sum)) throw new Error('expected a symbolic tensor');
      return sum;
    };
    expect(() => layerChain(model({ inputs: start, outputs: end([twice]) }))).toThrow(/"shared".*used once/);
    const branches = [1, 2].map((i) => layers.dense({ name: `branch-${i}`, units: 2 }).apply(start));
    expect(() => layerChain(model({ inputs: start, outputs: end(branches) }))).toThrow(/one chain/);
    const both = end([layers.dense({ units: 1 }).apply(start), layers.dense({ units: 1 }).apply(other)]);
    expect(() => layerChain(model({ inputs: [start, other], outputs: both }))).toThrow(/one input and one output/);
  });

  it('refuses a model without weights', () => {
    expect(() => layerChain(sequential({ layers: [layers.flatten({ inputShape: [2, 2] })] }))).toThrow(/has weights/);
  });
});

describe('lossOf', () => {
  it.each([
    ['softmax', 'softmax-cross-entropy', null],
    ['sigmoid', 'sigmoid-cross-entropy', null],
    ['tanh', 'mean-squared-error', 'tanh'],
    ['linear', 'mean-squared-error', null],
  ] as const)('takes, for a model that ends in %s, %s', (final, loss, left) => {
    const found = lossOf(layerChain(chainModel({ widths: [3, 2], final })));
    expect(found.loss).toBe(loss);
    expect(found.chain.at(-1)?.activation).toBe(left);
  });

  it('refuses by name a loss that is not in the list, such as one that mixes examples', () => {
    const chain = layerChain(chainModel({ widths: [3, 2] }));
    // Plain JavaScript can ask for anything.
    const named: (name: string) => unknown = (name) => Reflect.apply(lossOf, null, [chain, name]);
    expect(() => named('contrastive')).toThrow(/softmax-cross-entropy.*found contrastive; .*sum over examples/);
    expect(() => named('toString')).toThrow(/found toString/);
  });

  it('refuses a cross-entropy over an activation that is not its own', () => {
    const chain = layerChain(chainModel({ widths: [3, 2], final: 'relu' }));
    expect(() => lossOf(chain, 'softmax-cross-entropy')).toThrow(/"a" to end in softmax or linear.*found relu/);
  });
});
