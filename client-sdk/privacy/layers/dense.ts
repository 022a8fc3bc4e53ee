// Dense: every position of the input (all axes but the last) times one matrix.

import { affineLayer, affineOf } from './affine.ts';
import { type ChainLayer, productOf } from './chain-layer.ts';
import { rowsOf, shaped } from './floats.ts';
import type { LayerSource } from './layer-source.ts';

export function denseLayer(source: LayerSource): readonly ChainLayer[] {
  const { inputShape } = source;
  const inputWidth = inputShape.at(-1) ?? 1;
  const affine = affineOf(source, { positions: productOf(inputShape.slice(0, -1)), inputWidth });
  return affineLayer(source, affine, (inputs) => ({
    matrix: rowsOf(inputs, inputWidth),
    atInputs: ({ atRows }) => shaped(atRows(), inputs.shape),
  }));
}
