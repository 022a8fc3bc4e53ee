// A small model for each kind of layer that private training knows, in every setting it accepts, with a batch for each.

import { type LayersModel, layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import type { Batch } from '../../client-sdk/training/example-set.ts';
import { modelSchema, tensorOffsets } from '../../client-sdk/training/model-layout.ts';
import { parameterCount } from '../../shared/update-format/tensor-schema.ts';
import { normals, randomBatch } from './chain-models.ts';

type Layer = Parameters<Sequential['add']>[0];

export interface LayerCase {
  readonly kind: string;
  readonly setting: string;
  readonly build: () => LayersModel;
  /** Inputs are whole numbers below this; null: any. */
  readonly vocabulary: number | null;
  /**
   * Where TensorFlow.js has no gradient (dilated convolutions, a layer normalisation without both its weights) or a wrong
   * one (averages at a padded edge, which it divides by the whole window on the way back): the same function as a model
   * with further weights, which have no part in the gradient.
   */
  readonly reference: Reference | null;
}

interface Reference {
  readonly build: () => LayersModel;
  readonly dilation?: readonly [number, number];
  /** Values of further weights by name; 0 for the others. */
  readonly fixed?: ReadonlyMap<string, readonly number[]>;
}

const OUTPUTS = 3;

/** The layers between a trainable one in front, so that gradients have to pass them, and a dense end. */
function between(...given: Layer[]): LayersModel {
  const model = sequential({ layers: given });
  if ((model.outputs[0]?.shape.length ?? 0) > 2) model.add(layers.flatten());
  model.add(layers.dense({ units: OUTPUTS, name: 'end' }));
  return model;
}

const image = (channels: number): Layer =>
  layers.conv2d({ name: 'front', inputShape: [6, 5, 2], filters: channels, kernelSize: 1, activation: 'tanh' });
const row = (units: number): Layer => layers.dense({ name: 'front', inputShape: [7], units, activation: 'tanh' });
const sequence = (units: number): Layer => layers.dense({ name: 'front', inputShape: [4, 3], units });

const caseOf = (kind: string, setting: string, build: () => LayersModel): LayerCase => ({
  kind,
  setting,
  build,
  vocabulary: kind === 'Embedding' ? 5 : null,
  reference: null,
});

const convolutions: readonly (readonly [string, Omit<Parameters<typeof layers.conv2d>[0], 'filters'>])[] = [
  ['3 x 2, valid', { kernelSize: [3, 2] }],
  ['3 x 3, same', { kernelSize: 3, padding: 'same' }],
  ['2 x 3, same, strides 2 x 1', { kernelSize: [2, 3], padding: 'same', strides: [2, 1] }],
  ['2 x 2, valid, strides 2, no bias', { kernelSize: 2, strides: 2, useBias: false }],
];

const dilated = (
  dilation: readonly [number, number],
  args: Pick<Parameters<typeof layers.conv2d>[0], 'padding' | 'activation'>,
): LayerCase => {
  const build = (kernelSize: [number, number], dilationRate: [number, number]): LayersModel =>
    between(image(3), layers.conv2d({ ...args, name: 'dilated', filters: 4, kernelSize, dilationRate }));
  return {
    ...caseOf('Conv2D', `dilation ${dilation.join(' x ')}, ${args.padding ?? 'valid'}`, () =>
      build([2, 2], [...dilation]),
    ),
    reference: { build: () => build([1 + dilation[0], 1 + dilation[1]], [1, 1]), dilation },
  };
};

const normalisation = (setting: string, args: Parameters<typeof layers.layerNormalization>[0]): LayerCase => {
  const build = (more: typeof args): LayersModel =>
    between(row(5), layers.layerNormalization({ ...args, ...more, name: 'norm' }));
  return {
    ...caseOf('LayerNormalization', setting, () => build({})),
    reference: {
      build: () => build({ scale: true, center: true }),
      fixed: new Map([['norm/gamma', [1, 1, 1, 1, 1]]]),
    },
  };
};

/** The matrix, image position by result, of means over the rows above, at and below and the columns at and after. */
function averagesOf3x2(height: number, width: number): number[] {
  const matrix = new Array<number>((height * width) ** 2).fill(0);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const rows = [y - 1, y, y + 1].filter((above) => above >= 0 && above < height);
      const columns = [x, x + 1].filter((column) => column < width);
      for (const above of rows)
        for (const column of columns)
          matrix[(above * width + column) * height * width + y * width + x] = 1 / (rows.length * columns.length);
    }
  return matrix;
}

const depthwise: readonly (readonly [string, Parameters<typeof layers.depthwiseConv2d>[0]])[] = [
  ['3 x 2, valid', { kernelSize: [3, 2] }],
  ['3 x 3, same, two results a channel', { kernelSize: 3, padding: 'same', depthMultiplier: 2, activation: 'tanh' }],
  ['2 x 2, same, strides 2, no bias', { kernelSize: 2, padding: 'same', strides: [2, 2], useBias: false }],
];

const pools: readonly (readonly [string, Parameters<typeof layers.maxPooling2d>[0]])[] = [
  ['2 x 2', { poolSize: 2 }],
  ['3 x 2, strides 1, same', { poolSize: [3, 2], strides: [1, 1], padding: 'same' }],
  ['2 x 2, strides 1, overlapping', { poolSize: 2, strides: 1 }],
];

export const layerCases: readonly LayerCase[] = [
  caseOf('Dense', 'a few positions', () => between(sequence(4), layers.dense({ units: 3, activation: 'tanh' }))),
  // 4 positions of 12 x 16 weights: norms from Gram matrices.
  caseOf('Dense', 'few positions for its weights', () =>
    between(sequence(12), layers.dense({ units: 16, useBias: false }), layers.dense({ units: 12 })),
  ),
  caseOf('Dense', 'two axes of positions', () =>
    between(layers.dense({ inputShape: [2, 3, 4], units: 5 }), layers.dense({ units: 2, activation: 'sigmoid' })),
  ),
  ...convolutions.map(([setting, args]) =>
    caseOf('Conv2D', setting, () => between(image(3), layers.conv2d({ ...args, filters: 4 }))),
  ),
  dilated([2, 3], {}),
  dilated([2, 2], { padding: 'same', activation: 'tanh' }),
  // 4 positions of 27 x 32 weights: norms from Gram matrices.
  caseOf('Conv2D', 'few positions for its weights', () =>
    between(image(3), layers.conv2d({ filters: 32, kernelSize: 3, strides: [3, 2] })),
  ),
  ...depthwise.map(([setting, args]) =>
    caseOf('DepthwiseConv2D', setting, () => between(image(3), layers.depthwiseConv2d(args))),
  ),
  caseOf('Embedding', 'numbers that repeat', () =>
    between(layers.embedding({ inputDim: 5, outputDim: 3, inputLength: 7 }), layers.dense({ units: 2 })),
  ),
  caseOf('Embedding', 'mean of its rows', () =>
    between(layers.embedding({ inputDim: 5, outputDim: 4, inputLength: 6 }), layers.globalAveragePooling1d({})),
  ),
  caseOf('LayerNormalization', 'last axis', () => between(sequence(5), layers.layerNormalization())),
  caseOf('LayerNormalization', 'two axes', () => between(sequence(5), layers.layerNormalization({ axis: [1, 2] }))),
  normalisation('no scale', { scale: false, epsilon: 0.1 }),
  normalisation('no centre', { center: false }),
  caseOf('Activation', 'softmax over positions', () =>
    between(sequence(4), layers.activation({ activation: 'softmax' })),
  ),
  caseOf('ReLU', 'of images', () => between(image(3), layers.reLU())),
  caseOf('ReLU', 'cut off', () => between(row(5), layers.reLU({ maxValue: 0.4 }))),
  caseOf('LeakyReLU', 'slope 0.2', () => between(row(5), layers.leakyReLU({ alpha: 0.2 }))),
  caseOf('ELU', 'of a row', () => between(row(5), layers.elu())),
  caseOf('Softmax', 'of positions', () => between(sequence(4), layers.softmax({ axis: -1 }))),
  caseOf('Flatten', 'of an image', () => between(image(2), layers.flatten(), layers.dense({ units: 4 }))),
  caseOf('Reshape', 'to positions', () =>
    between(row(6), layers.reshape({ targetShape: [3, 2] }), layers.dense({ units: 2 })),
  ),
  caseOf('Permute', 'of an image', () =>
    between(image(2), layers.permute({ dims: [3, 1, 2] }), layers.dense({ units: 2 })),
  ),
  ...pools.map(([setting, args]) =>
    caseOf('MaxPooling2D', setting, () => between(image(3), layers.maxPooling2d(args))),
  ),
  caseOf('AveragePooling2D', '2 x 2', () => between(image(3), layers.averagePooling2d({ poolSize: 2 }))),
  caseOf('AveragePooling2D', '3 x 2, overlapping', () =>
    between(image(3), layers.averagePooling2d({ poolSize: [3, 2], strides: [1, 2] })),
  ),
  {
    ...caseOf('AveragePooling2D', '3 x 2, strides 1, same', () =>
      between(image(1), layers.averagePooling2d({ poolSize: [3, 2], strides: [1, 1], padding: 'same' })),
    ),
    reference: {
      build: () => between(image(1), layers.flatten(), layers.dense({ name: 'pool', units: 30, useBias: false })),
      fixed: new Map([['pool/kernel', averagesOf3x2(6, 5)]]),
    },
  },
  caseOf('GlobalAveragePooling1D', 'of positions', () =>
    between(sequence(5), layers.globalAveragePooling1d({}), layers.reshape({ targetShape: [5, 1] })),
  ),
  caseOf('GlobalAveragePooling2D', 'of an image', () =>
    between(image(4), layers.globalAveragePooling2d({}), layers.reshape({ targetShape: [2, 2] })),
  ),
  caseOf('ZeroPadding2D', 'of unequal edges', () =>
    between(
      image(2),
      layers.zeroPadding2d({
        padding: [
          [1, 2],
          [0, 3],
        ],
      }),
      layers.conv2d({ filters: 2, kernelSize: 3 }),
    ),
  ),
];

/** The weights in the model of reference, and where in it each of them stands. */
export function inReference(
  { reference }: LayerCase,
  {
    model,
    other,
    weights,
  }: { readonly model: LayersModel; readonly other: LayersModel; readonly weights: Float32Array },
): { readonly places: readonly number[]; readonly spread: Float32Array } {
  const [schema, otherSchema] = [modelSchema(model), modelSchema(other)];
  const otherOffsets = tensorOffsets(otherSchema);
  const spread = new Float32Array(parameterCount(otherSchema));
  reference?.fixed?.forEach((values, name) => spread.set(values, otherOffsets.get(name)));
  const places: number[] = [];
  for (const { name, shape } of schema) {
    const [height = 1, width = 1, ...rest] = shape;
    const start = otherOffsets.get(name) ?? NaN;
    const wide = otherSchema.find((one) => one.name === name)?.shape[1] ?? 1;
    const [dy, dx] = name === 'dilated/kernel' ? (reference?.dilation ?? [1, 1]) : [1, 1];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let i = 0; i < productOf(rest); i++) places.push(start + (y * dy * wide + x * dx) * productOf(rest) + i);
  }
  places.forEach((place, i) => (spread[place] = weights[i] ?? NaN));
  return { places, spread };
}

const productOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

export function batchFor({ build, vocabulary }: LayerCase, count: number, seed: number): Batch {
  const model = build();
  const inputLength = model.inputs[0]?.shape.slice(1).reduce<number>((n, extent) => n * (extent ?? 1), 1) ?? 1;
  model.dispose();
  const batch = randomBatch({ count, inputLength, outputLength: OUTPUTS, seed });
  if (vocabulary === null) return batch;
  const numbers = normals(batch.inputs.length, seed).map((value) => Math.floor(Math.abs(1000 * value)) % vocabulary);
  return { ...batch, inputs: numbers };
}
