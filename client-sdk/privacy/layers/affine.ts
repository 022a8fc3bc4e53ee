// Rows in, rows times a matrix plus a bias out, and the way back: what dense layers and convolutions have in common. How a
// layer's inputs become rows is its own.

import { add, matMul, type Tensor, tensor1d, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import { activationOf } from './activation.ts';
import { type ChainLayer, sized } from './chain-layer.ts';
import type { ExampleGradients } from './example-gradients.ts';
import { rowsOf, shaped } from './floats.ts';
import { type LayerSource, ownWeightOffset, weightOffset } from './layer-source.ts';
import { timesTransposed } from './matrix-products.ts';
import { isWrittenOut, type MatrixShape, outerProductGradients } from './outer-products.ts';

export interface Affine extends MatrixShape {
  readonly kernelOffset: number;
  readonly biasOffset: number | null;
}

export const affineOf = (source: LayerSource, rows: Pick<MatrixShape, 'positions' | 'inputWidth'>): Affine => ({
  ...rows,
  outputWidth: source.outputShape.at(-1) ?? 1,
  kernelOffset: ownWeightOffset(source, 'kernel'),
  biasOffset: weightOffset(source, 'bias'),
});

export interface InputRows {
  /** [count x positions, inputWidth] */
  readonly matrix: Tensor2D;
  readonly atInputs: (gradients: { readonly atRows: () => Tensor2D; readonly atOutputs: Tensor }) => Tensor;
}

/** With the activation inside of it. */
export function affineLayer(
  source: LayerSource,
  affine: Affine,
  enter: (inputs: Tensor, weights: Float32Array) => InputRows,
): readonly ChainLayer[] {
  const layer: ChainLayer = {
    ...sized(source),
    activation: null,
    trainable: true,
    valuesPerExample: valuesPerExample(affine),
    run: (inputs, weights) => {
      const count = inputs.shape[0] ?? 0;
      const { matrix, atInputs } = enter(inputs, weights);
      const { outputs, back } = runAffine({ matrix, count }, weights, affine);
      return {
        outputs: shaped(outputs, [count, ...source.outputShape]),
        back: (atOutputs) => {
          const { own, atRows } = back(atOutputs);
          return { own, atInputs: () => atInputs({ atRows, atOutputs }) };
        },
      };
    },
  };
  return [layer, ...activationOf(source)];
}

interface Rows {
  readonly matrix: Tensor2D;
  readonly count: number;
}

interface AffineRun {
  /** [count x positions, outputWidth] */
  readonly outputs: Tensor2D;
  readonly back: (outputGradients: Tensor) => { readonly own: ExampleGradients; readonly atRows: () => Tensor2D };
}

/** With the gradients at both ends, and each example's gradient of the matrix where that is written out. */
const valuesPerExample = (shape: MatrixShape): number =>
  2 * shape.positions * (shape.inputWidth + shape.outputWidth) +
  (isWrittenOut(shape) ? shape.inputWidth * shape.outputWidth : 0);

function runAffine({ matrix, count }: Rows, weights: Float32Array, affine: Affine): AffineRun {
  const { inputWidth, outputWidth, kernelOffset, biasOffset } = affine;
  const kernel = tensor2d(weights.slice(kernelOffset, kernelOffset + inputWidth * outputWidth), [
    inputWidth,
    outputWidth,
  ]);
  const product: Tensor2D = matMul(matrix, kernel);
  const bias = biasOffset === null ? null : tensor1d(weights.slice(biasOffset, biasOffset + outputWidth));
  return {
    outputs: bias === null ? product : add(product, bias),
    back: (outputGradients) => {
      const gradients = rowsOf(outputGradients, outputWidth);
      return {
        own: outerProductGradients({ ...affine, count, inputs: matrix, gradients }),
        atRows: () => timesTransposed(gradients, kernel),
      };
    },
  };
}
