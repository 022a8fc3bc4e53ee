// Products of matrices of which one is transposed. Apart because of one backend: WebAssembly multiplies ten times faster
// what is not transposed and comes as one pair, so there the transpose is made first and pairs go one by one.

import { getBackend, matMul, reshape, type Tensor2D, tensor2d, transpose } from '@tensorflow/tfjs-core';
import { floatsOf } from './floats.ts';

const isWasm = (): boolean => getBackend() === 'wasm';

/** a b^T */
export const timesTransposed = (a: Tensor2D, b: Tensor2D): Tensor2D =>
  isWasm() ? matMul(a, transpose(b)) : matMul(a, b, false, true);

/** a^T b */
export const transposedTimes = (a: Tensor2D, b: Tensor2D): Tensor2D =>
  isWasm() ? matMul(transpose(a), b) : matMul(a, b, true);

export interface MatrixBatch {
  readonly count: number;
  /** Rows of each matrix. */
  readonly rows: number;
  /** count x rows of aWidth, and of bWidth. */
  readonly a: Tensor2D;
  readonly b: Tensor2D;
}

/** a_i^T b_i for every i: count x aWidth x bWidth, end to end. */
export function eachTransposedTimes({ count, rows, a, b }: MatrixBatch): Float32Array {
  const [aWidth, bWidth] = [a.shape[1], b.shape[1]];
  if (!isWasm()) {
    return floatsOf(matMul(reshape(a, [count, rows, aWidth]), reshape(b, [count, rows, bWidth]), true));
  }
  const [aValues, bValues] = [floatsOf(a), floatsOf(b)];
  const products = new Float32Array(count * aWidth * bWidth);
  for (let i = 0; i < count; i++) {
    const transposed = transposedRows(aValues.subarray(i * rows * aWidth, (i + 1) * rows * aWidth), aWidth);
    const left = tensor2d(transposed, [aWidth, rows]);
    const right = tensor2d(bValues.subarray(i * rows * bWidth, (i + 1) * rows * bWidth), [rows, bWidth]);
    const product = matMul(left, right);
    products.set(floatsOf(product), i * aWidth * bWidth);
    for (const tensor of [left, right, product]) tensor.dispose();
  }
  return products;
}

function transposedRows(values: Float32Array, width: number): Float32Array {
  const rows = values.length / width;
  const transposed = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) transposed[column * rows + row] = values[row * width + column] ?? 0;
  }
  return transposed;
}
