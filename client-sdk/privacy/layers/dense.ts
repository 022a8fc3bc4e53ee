// Dense: every position of the input (all axes but the last) times one matrix.

import { activationOf } from './activation.ts';
import { affineValuesPerExample, runAffine } from './affine.ts';
import { type ChainLayer, productOf, sized } from './chain-layer.ts';
import { rowsOf, shaped } from './floats.ts';
import { type LayerSource, ownWeightOffset, weightOffset } from './layer-source.ts';

export function denseLayer(source: LayerSource): readonly ChainLayer[] {
  const { inputShape, outputShape } = source;
  const affine = {
    positions: productOf(inputShape.slice(0, -1)),
    inputWidth: inputShape.at(-1) ?? 1,
    outputWidth: outputShape.at(-1) ?? 1,
    kernelOffset: ownWeightOffset(source, 'kernel'),
    biasOffset: weightOffset(source, 'bias'),
  };
  const dense: ChainLayer = {
    ...sized(source),
    activation: null,
    trainable: true,
    valuesPerExample: affineValuesPerExample(affine),
    run: (inputs, weights) => {
      const count = inputs.shape[0] ?? 0;
      const matrix = rowsOf(inputs, affine.inputWidth);
      const { outputs, back } = runAffine({ matrix, count }, weights, affine);
      return {
        outputs: shaped(outputs, [count, ...outputShape]),
        back: (outputGradients) => {
          const { own, atRows } = back(outputGradients);
          return { own, atInputs: () => shaped(atRows(), inputs.shape) };
        },
      };
    },
  };
  return [dense, ...activationOf(source)];
}
