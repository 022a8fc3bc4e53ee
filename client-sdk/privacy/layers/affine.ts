// Rows in, rows times a matrix plus a bias out, and the way back: what dense layers and convolutions have in common.

import { add, matMul, type Tensor, tensor1d, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import type { ExampleGradients } from './example-gradients.ts';
import { rowsOf } from './floats.ts';
import { timesTransposed } from './matrix-products.ts';
import { isWrittenOut, type MatrixShape, outerProductGradients } from './outer-products.ts';

export interface Affine extends MatrixShape {
  readonly kernelOffset: number;
  readonly biasOffset: number | null;
}

export interface Rows {
  /** [count x positions, inputWidth] */
  readonly matrix: Tensor2D;
  readonly count: number;
}

export interface AffineRun {
  /** [count x positions, outputWidth] */
  readonly outputs: Tensor2D;
  readonly back: (outputGradients: Tensor) => { readonly own: ExampleGradients; readonly atRows: () => Tensor2D };
}

/** With the gradients at both ends, and each example's gradient of the matrix where that is written out. */
export const affineValuesPerExample = (shape: MatrixShape): number =>
  2 * shape.positions * (shape.inputWidth + shape.outputWidth) +
  (isWrittenOut(shape) ? shape.inputWidth * shape.outputWidth : 0);

export function runAffine({ matrix, count }: Rows, weights: Float32Array, affine: Affine): AffineRun {
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
