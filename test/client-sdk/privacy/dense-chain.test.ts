import { input, type LayersModel, layers, model, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { denseChain, UnsupportedModelError } from '../../../client-sdk/privacy/dense-chain.ts';
import { lossOf } from '../../../client-sdk/privacy/losses.ts';
import { loadBackend } from '../../../client-sdk/training/load-backend.ts';
import { chainModel } from '../../support/chain-models.ts';

beforeAll(loadBackend);

type Layer = Parameters<Sequential['add']>[0];

/** A dense layer on 4 inputs, then the given layers. */
const after = (...others: Layer[]): LayersModel =>
  sequential({ layers: [layers.dense({ name: 'first', units: 4, inputShape: [4] }), ...others] });

describe('denseChain', () => {
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
      { name: 'b', inputLength: 6, outputLength: 4, biasOffset: 8, kernelOffset: 12, activations: ['tanh'] },
      { name: 'a', inputLength: 4, outputLength: 2, biasOffset: null, kernelOffset: 0, activations: ['softmax'] },
    ];
    expect(denseChain(stacked)).toEqual(expected);
    expect(denseChain(model({ inputs: start, outputs: end }))).toEqual(expected);
  });

  it.each<[string, () => LayersModel]>([
    ['Dropout', () => after(layers.dropout({ name: 'odd', rate: 0.5 }), layers.dense({ units: 1 }))],
    ['BatchNormalization', () => after(layers.batchNormalization({ name: 'odd' }))],
    ['ReLU', () => after(layers.reLU({ name: 'odd' }))],
    ['Reshape', () => after(layers.reshape({ name: 'odd', targetShape: [2, 2] }))],
    ['kernelRegularizer', () => after(layers.dense({ name: 'odd', units: 1, kernelRegularizer: 'l1l2' }))],
    ['kernelConstraint', () => after(layers.dense({ name: 'odd', units: 1, kernelConstraint: 'nonNeg' }))],
    ['trainable', () => after(layers.dense({ name: 'odd', units: 1, trainable: false }))],
    ['activations', () => after(layers.dense({ name: 'odd', units: 1, activation: 'gelu' }))],
    ['flat input', () => sequential({ layers: [layers.dense({ name: 'odd', units: 1, inputShape: [2, 3] })] })],
    [
      'before it',
      () => sequential({ layers: [layers.activation({ name: 'odd', activation: 'tanh', inputShape: [2] })] }),
    ],
  ])('refuses by the name of its layer what it cannot bound: %s', (word, build) => {
    expect(() => denseChain(build())).toThrow(UnsupportedModelError);
    expect(() => denseChain(build())).toThrow(/"odd"/);
    expect(() => denseChain(build())).toThrow(new RegExp(word));
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
    expect(() => denseChain(model({ inputs: start, outputs: end([twice]) }))).toThrow(/"shared".*used once/);
    const branches = [1, 2].map((i) => layers.dense({ name: `branch-${i}`, units: 2 }).apply(start));
    expect(() => denseChain(model({ inputs: start, outputs: end(branches) }))).toThrow(/one chain/);
    const both = end([layers.dense({ units: 1 }).apply(start), layers.dense({ units: 1 }).apply(other)]);
    expect(() => denseChain(model({ inputs: [start, other], outputs: both }))).toThrow(/one input and one output/);
  });

  it('refuses a model without a dense layer', () => {
    expect(() => denseChain(sequential({ layers: [layers.flatten({ inputShape: [2, 2] })] }))).toThrow(/dense layer/);
  });
});

describe('lossOf', () => {
  it.each([
    ['softmax', 'softmax-cross-entropy', []],
    ['sigmoid', 'sigmoid-cross-entropy', []],
    ['tanh', 'mean-squared-error', ['tanh']],
    ['linear', 'mean-squared-error', []],
  ] as const)('takes, for a model that ends in %s, %s', (final, loss, left) => {
    const found = lossOf(denseChain(chainModel({ widths: [3, 2], final })));
    expect(found.loss).toBe(loss);
    expect(found.chain.at(-1)?.activations).toEqual(left);
  });

  it('refuses a cross-entropy over an activation that is not its own', () => {
    const chain = denseChain(chainModel({ widths: [3, 2], final: 'relu' }));
    expect(() => lossOf(chain, 'softmax-cross-entropy')).toThrow(/"a" to end in softmax or linear.*found relu/);
  });
});
