// What the builders of this folder read a layer of the model by: its shapes, its settings, and where in the flat
// weights its own begin. Everything that a layer says about itself is parsed here once.

import type { z } from 'zod';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { offsetOf } from '../../training/model-layout.ts';
import type { ChainLayer } from './chain-layer.ts';
import { type ModelLayer, UnsupportedModelError } from './unsupported-model-error.ts';

export interface LayerSource {
  readonly layer: ModelLayer;
  readonly name: string;
  /** Of one example. */
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  /** Where each tensor of the whole model begins in the flat weights. */
  readonly offsets: ReadonlyMap<string, number>;
}

/** Usually one link; two where the model's layer ends in an activation. */
export type LayerBuilder = (source: LayerSource) => readonly ChainLayer[];

export function layerSource(layer: ModelLayer, offsets: ReadonlyMap<string, number>): LayerSource {
  const [inputShape, outputShape] = [layer.input, layer.output].map((ends) => {
    const [end, ...others] = [ends].flat();
    if (end === undefined || others.length > 0) throw new UnsupportedModelError(layer, 'one input and one output');
    return end.shape.slice(1).map((extent) => {
      if (extent === null || extent < 1) {
        throw new UnsupportedModelError(layer, 'shapes that are known', 'give the first layer an inputShape');
      }
      return extent;
    });
  });
  if (inputShape === undefined || outputShape === undefined) throw new InvariantError('expected two shapes');
  return { layer, name: layer.name, inputShape, outputShape, offsets };
}

/** @throws UnsupportedModelError naming the first setting that is not as the schema has it. */
export function settingsOf<T>({ layer }: LayerSource, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(layer.getConfig());
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UnsupportedModelError(
    layer,
    `another ${issue?.path.join('.') ?? 'setting'}: ${issue?.message.toLowerCase() ?? 'it is not supported'}`,
  );
}

/** The place of a weight in the flat vector, by its name within the layer; null where the layer has none of that name. */
export function weightOffset({ layer, offsets }: LayerSource, name: string): number | null {
  const weight = layer.weights.find(({ originalName }) => originalName.endsWith(`/${name}`));
  return weight === undefined ? null : offsetOf(offsets, weight.originalName);
}

/** The same of a weight that every layer of the kind has. */
export function ownWeightOffset(source: LayerSource, name: string): number {
  const offset = weightOffset(source, name);
  if (offset === null) throw new InvariantError(`expected a ${name} in layer "${source.name}", found none`);
  return offset;
}
