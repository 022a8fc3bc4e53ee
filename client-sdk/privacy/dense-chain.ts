// A TensorFlow.js model in, a plain description of its chain of dense layers out; or an error that names the layer
// which cannot be trained privately. Accepts a layer only if one example's gradient depends on that example alone
// and the norm of that gradient is known exactly: what the clipping bound, and with it every epsilon, rests on.

import type { LayersModel } from '@tensorflow/tfjs-layers';
import { modelSchema, offsetOf, tensorOffsets } from '../training/model-layout.ts';
import { type ActivationName, activations, isActivationName } from './activations.ts';

export interface DenseLayer {
  readonly name: string;
  readonly inputLength: number;
  readonly outputLength: number;
  /** Where the kernel (inputLength x outputLength, row by row) begins in the flat weights. */
  readonly kernelOffset: number;
  /** Where the bias begins; null for a layer without. */
  readonly biasOffset: number | null;
  /** Applied to the layer's result in this order. */
  readonly activations: readonly ActivationName[];
}

/** From the input to the output; at least one layer. */
export type DenseChain = readonly [DenseLayer, ...DenseLayer[]];

type ModelLayer = LayersModel['layers'][number];
type LayerKind = 'input' | 'flatten' | 'activation' | 'dense';

const kinds: ReadonlyMap<string, LayerKind> = new Map([
  ['InputLayer', 'input'],
  ['Flatten', 'flatten'],
  ['Activation', 'activation'],
  ['Dense', 'dense'],
]);

/** Settings of a dense layer that would add to, or act beside, the clipped gradient. */
const unsupportedSettings = [
  'kernelRegularizer',
  'biasRegularizer',
  'activityRegularizer',
  'kernelConstraint',
  'biasConstraint',
];

const hints: ReadonlyMap<string, string> = new Map([
  ['Dropout', 'leave it out: the noise of private training regularises already'],
  ['BatchNormalization', 'leave it out: it mixes the examples of a batch, so that none has a gradient of its own'],
  ['ReLU', "write it as the dense layer's activation: 'relu'"],
  ['Softmax', "write it as the dense layer's activation: 'softmax'"],
]);

/** @throws UnsupportedModelError naming the first layer that does not fit. */
export function denseChain(model: LayersModel): DenseChain {
  checkChain(model);
  const offsets = tensorOffsets(modelSchema(model));
  const layers: DenseLayer[] = [];
  for (const layer of model.layers) {
    const kind = kindOf(layer);
    if (kind === 'dense') layers.push(denseLayer(layer, offsets));
    if (kind === 'activation') {
      const before = layers.pop();
      if (before === undefined) {
        throw new UnsupportedModelError(layer, 'a dense layer before it', 'apply the function to the examples instead');
      }
      layers.push({ ...before, activations: [...before.activations, ...activationOf(layer)] });
    }
  }
  const [first, ...others] = layers;
  if (first === undefined) throw new Error('expected a model with at least one dense layer, found none');
  return [first, ...others];
}

export class UnsupportedModelError extends Error {
  override readonly name = 'UnsupportedModelError';
  constructor(layer: ModelLayer, expected: string, hint = 'replace it, or bring a Trainer of your own') {
    super(`layer "${layer.name}" (${layer.getClassName()}) cannot be trained privately: expected ${expected}; ${hint}`);
  }
}

/** One input, one output, and every layer fed by the one before it and by nothing else. */
function checkChain(model: LayersModel): void {
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new Error(
      `expected a model of one input and one output, found ${model.inputs.length} and ${model.outputs.length}`,
    );
  }
  model.layers.forEach((layer, i) => {
    const before = model.layers[i - 1];
    if (layer.inboundNodes.length !== 1) {
      throw new UnsupportedModelError(layer, 'a layer used once', 'build a layer of its own for each use');
    }
    const sources = [layer.input].flat().map(({ sourceLayer }) => sourceLayer);
    if (before !== undefined && (sources.length !== 1 || sources[0] !== before)) {
      throw new UnsupportedModelError(layer, `"${before.name}" as its only input`, 'build the model as one chain');
    }
  });
}

function kindOf(layer: ModelLayer): LayerKind {
  const className = layer.getClassName();
  const kind = kinds.get(className);
  if (kind === undefined) {
    throw new UnsupportedModelError(layer, `one of ${[...kinds.keys()].join(', ')}`, hints.get(className));
  }
  return kind;
}

function denseLayer(layer: ModelLayer, offsets: ReadonlyMap<string, number>): DenseLayer {
  const config = layer.getConfig();
  const setting = unsupportedSettings.find((key) => config[key] !== null && config[key] !== undefined);
  if (setting !== undefined) throw new UnsupportedModelError(layer, `no ${setting}`, 'leave the setting out');
  if (!layer.trainable)
    throw new UnsupportedModelError(layer, 'trainable layers only', 'apply it to the examples instead');
  const [kernel, bias] = layer.weights;
  const [inputLength, outputLength] = kernel?.shape ?? [];
  if (kernel === undefined || inputLength == null || outputLength == null) {
    throw new UnsupportedModelError(layer, 'a layer that has been built', 'give the first layer an inputShape');
  }
  return {
    name: layer.name,
    inputLength,
    outputLength,
    kernelOffset: offsetOf(offsets, kernel.originalName),
    biasOffset: bias === undefined ? null : offsetOf(offsets, bias.originalName),
    activations: activationOf(layer),
  };
}

/** None for `linear`. */
function activationOf(layer: ModelLayer): readonly ActivationName[] {
  const name = layer.getConfig()['activation'];
  if (!isActivationName(name)) {
    throw new UnsupportedModelError(layer, `one of the activations ${Object.keys(activations).join(', ')}`);
  }
  const onRows = [layer.output].flat().every(({ shape }) => shape.length === 2);
  if (!onRows) throw new UnsupportedModelError(layer, 'a flat input', 'put a flatten layer before it');
  return name === 'linear' ? [] : [name];
}
