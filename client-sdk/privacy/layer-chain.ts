// A TensorFlow.js model in, the chain of its layers out as per-example-gradients.ts walks it; or an error that names the
// layer which cannot be trained privately. Accepts a layer only if one example's result and gradient depend on that
// example alone: what the clipping bound, and with it every epsilon, rests on.

import type { LayersModel } from '@tensorflow/tfjs-layers';
import { modelSchema, tensorOffsets } from '../training/model-layout.ts';
import { allSettings } from './layers/all-settings.ts';
import type { ChainLayer } from './layers/chain-layer.ts';
import { forbiddenKinds, layerKinds } from './layers/layer-kinds.ts';
import { type LayerSource, layerSource } from './layers/layer-source.ts';
import { oneByOneLayer } from './layers/one-by-one.ts';
import { type ModelLayer, UnsupportedModelError } from './layers/unsupported-model-error.ts';

/** From the input to the output; at least one layer has weights. */
export type LayerChain = readonly [ChainLayer, ...ChainLayer[]];

/**
 * A layer with weights that is not in the list goes one example at a time, which is slow: `announce` is told, by default
 * on standard error.
 * @throws UnsupportedModelError naming the first layer that does not fit.
 */
export function layerChain(
  model: LayersModel,
  announce: (warning: string) => void = (warning) => console.warn(warning),
): LayerChain {
  checkChain(model);
  const offsets = tensorOffsets(modelSchema(model));
  const links: ChainLayer[] = [];
  for (const layer of model.layers) {
    checkLayer(layer);
    if (layer.getClassName() === 'Embedding' && links.some(({ trainable }) => trainable)) {
      throw new UnsupportedModelError(layer, 'nothing with weights before it', 'begin the model with it');
    }
    links.push(...linksOf(layerSource(layer, offsets), announce));
  }
  const [first, ...others] = links;
  if (first === undefined || !links.some(({ trainable }) => trainable)) {
    throw new Error('expected a model with at least one layer that has weights, found none');
  }
  checkFlatOutput(model);
  return [first, ...others];
}

function linksOf(source: LayerSource, announce: (warning: string) => void): readonly ChainLayer[] {
  const { layer, name } = source;
  const kind = layer.getClassName();
  const build = layerKinds.get(kind);
  if (build !== undefined) return build(source);
  if (layer.weights.length === 0) {
    throw new UnsupportedModelError(layer, `one of ${[...layerKinds.keys()].join(', ')} or a layer with weights`);
  }
  const link = oneByOneLayer(source);
  announce(
    `layer "${name}" (${kind}) is trained one example at a time, which is slow; ` +
      `whole batches go through ${[...layerKinds.keys()].join(', ')}`,
  );
  return [link];
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

/** Nothing that mixes examples, and nothing that would add to, or act beside, the clipped gradient. */
function checkLayer(layer: ModelLayer): void {
  const settings = [...allSettings(layer.getConfig())];
  const wrapped = settings.flatMap(([name, value]) => (name === 'className' ? [String(value)] : []));
  for (const kind of [layer.getClassName(), ...wrapped]) {
    const forbidden = forbiddenKinds.get(kind);
    if (forbidden !== undefined) throw new UnsupportedModelError(layer, forbidden.because, forbidden.hint);
  }
  const added = settings.find(([name, value]) => /(Regularizer|Constraint)$/.test(name) && value != null);
  if (added !== undefined) throw new UnsupportedModelError(layer, `no ${added[0]}`, 'leave the setting out');
  if (layer.weights.some(({ constraint }) => constraint != null)) {
    throw new UnsupportedModelError(layer, 'no constraint on its weights', 'leave the setting out');
  }
  if (layer.nonTrainableWeights.length > 0) {
    throw new UnsupportedModelError(layer, 'trainable layers only', 'apply it to the examples instead');
  }
}

function checkFlatOutput(model: LayersModel): void {
  const last = model.layers.at(-1);
  const rank = model.outputs[0]?.shape.length;
  if (last !== undefined && rank !== 2) {
    throw new UnsupportedModelError(last, 'a flat output, one row per example', 'put a flatten layer behind it');
  }
}
