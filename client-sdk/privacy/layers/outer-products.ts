// Per-example gradients of a matrix W that each of an example's T positions is multiplied by, y_t = a_t W + b:
//   dW = sum_t a_t (x) g_t,   db = sum_t g_t.
// Dense layers have T = 1 unless applied to a sequence; a convolution has one position per place of its window. Written
// out where the weights are few; else only the norm is taken, from Gram matrices in float64 (Goodfellow, arXiv
// 1510.01799 for T = 1; Li et al., arXiv 2110.05679, section 4 for any T),
//   |dW|^2 = sum_{t,u} (a_t . a_u) (g_t . g_u),
// and the weighted sum of all examples is one product of matrices in float32 (book-keeping, Bu et al., arXiv 2210.00038).

import { type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import {
  addSquares,
  addWeighted,
  type ExampleGradients,
  innerProduct,
  together,
  writtenOut,
} from './example-gradients.ts';
import { floatsOf } from './floats.ts';
import { eachTransposedTimes, transposedTimes } from './matrix-products.ts';

export interface MatrixShape {
  readonly positions: number;
  readonly inputWidth: number;
  readonly outputWidth: number;
}

export interface OuterProducts extends MatrixShape {
  readonly count: number;
  /** a: count x positions rows of inputWidth. */
  readonly inputs: Tensor2D;
  /** g: count x positions rows of outputWidth. */
  readonly gradients: Tensor2D;
  /** Where W (inputWidth x outputWidth) and b begin in the flat weights. */
  readonly kernelOffset: number;
  readonly biasOffset: number | null;
}

/**
 * A product of matrices in float32 errs by at most (T + 3) 2^-24 sum_t |a_t| |g_t| for one example: rounding of both
 * factors and of T sums. From this share of that sum on, the norm is so large that this is below 2^-11 of it. An
 * example below, whose positions cancel each other, is written out in float64 instead.
 */
const smallestShare = (positions: number): number => (positions + 3) * 2 ** -13;
/** Beyond it, products of two scaled values might not be finite in float32. */
const LARGEST_SCALED = 2 ** 60;
/** Norms below it, and above its inverse, have products and sums of products of far examples within float32. */
const LARGEST_ORDINARY = 2 ** 40;

/** T^2 (p + d) / 2 operations for the Gram matrices against two passes over p d values that are written out. */
export const isWrittenOut = ({ positions, inputWidth, outputWidth }: MatrixShape): boolean =>
  positions > 1 && positions ** 2 * (inputWidth + outputWidth) >= 4 * inputWidth * outputWidth;

export function outerProductGradients(products: OuterProducts): ExampleGradients {
  const { inputs, gradients } = products;
  const values = { ...products, inputMatrix: inputs, inputs: floatsOf(inputs), gradients: floatsOf(gradients) };
  const kernel = isWrittenOut(products) ? kernelsWrittenOut(products) : kernelsByNorm(values);
  const { biasOffset } = products;
  return biasOffset === null ? kernel : together([kernel, writtenOut(summedPositions(values), biasOffset)]);
}

/** The same with the values of both matrices. */
interface Values extends Omit<OuterProducts, 'inputs' | 'gradients'> {
  readonly inputMatrix: Tensor2D;
  readonly inputs: Float32Array;
  readonly gradients: Float32Array;
}

function summedPositions({ count, positions, outputWidth, gradients }: Values): Float32Array {
  if (positions === 1) return gradients;
  const sums = new Float64Array(count * outputWidth);
  for (let row = 0; row < count * positions; row++) {
    const sum = Math.floor(row / positions) * outputWidth;
    const gradient = row * outputWidth;
    for (let o = 0; o < outputWidth; o++) sums[sum + o] = (sums[sum + o] ?? 0) + (gradients[gradient + o] ?? 0);
  }
  return new Float32Array(sums);
}

/** Transposed, outputWidth x inputWidth, until the end: the cheaper product on every backend. */
function kernelsWrittenOut(products: OuterProducts): ExampleGradients {
  const { count, positions, inputs, gradients, inputWidth, outputWidth, kernelOffset } = products;
  const kernels = eachTransposedTimes({ count, rows: positions, a: gradients, b: inputs });
  return {
    addSquaredNorms: (into) => addSquares(kernels, into),
    addTo: (sum, factors) => {
      const transposed = new Float64Array(inputWidth * outputWidth);
      addWeighted(kernels, factors, transposed);
      addTransposed(transposed, inputWidth, sum.subarray(kernelOffset, kernelOffset + transposed.length));
    },
  };
}

function addTransposed(rows: Float64Array, width: number, into: Float64Array): void {
  const height = rows.length / width;
  for (let column = 0; column < width; column++) {
    for (let row = 0; row < height; row++) {
      const at = column * height + row;
      into[at] = (into[at] ?? 0) + (rows[row * width + column] ?? 0);
    }
  }
}

function kernelsByNorm(products: Values): ExampleGradients {
  const examples = Array.from({ length: products.count }, (_, example) => measured(products, example));
  return {
    addSquaredNorms: (into) =>
      examples.forEach(({ squaredNorm }, example) => (into[example] = (into[example] ?? 0) + squaredNorm)),
    addTo: (sum, factors) => {
      const { inputWidth, outputWidth, kernelOffset } = products;
      const into = sum.subarray(kernelOffset, kernelOffset + inputWidth * outputWidth);
      addScaledProduct({ products, examples, factors }, into);
      factors.forEach((factor, example) => {
        const one = examples[example];
        if (factor === 0 || one === undefined || isScalable(one, factor)) return;
        const kernel = one.kernel ?? kernelInFloat64(products, example);
        kernel.forEach((value, i) => (into[i] = (into[i] ?? 0) + factor * value));
      });
    },
  };
}

interface Measured {
  readonly squaredNorm: number;
  /** |a| and |g| over all positions. */
  readonly inputNorm: number;
  readonly gradientNorm: number;
  /** Only where positions cancel. */
  readonly kernel: Float64Array | null;
}

function measured(products: Values, example: number): Measured {
  const { positions, inputs, gradients, inputWidth, outputWidth } = products;
  const a = gramMatrix(inputs, example, { positions, width: inputWidth });
  const g = gramMatrix(gradients, example, { positions, width: outputWidth });
  let [squaredNorm, bound, inputSquares, gradientSquares] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) squaredNorm += (a[i] ?? 0) * (g[i] ?? 0);
  for (let t = 0; t < a.length; t += positions + 1) {
    bound += Math.sqrt((a[t] ?? 0) * (g[t] ?? 0));
    inputSquares += a[t] ?? 0;
    gradientSquares += g[t] ?? 0;
  }
  const cancels = positions > 1 && squaredNorm < (smallestShare(positions) * bound) ** 2;
  const kernel = cancels ? kernelInFloat64(products, example) : null;
  if (kernel !== null) squaredNorm = kernel.reduce((squares, value) => squares + value * value, 0);
  return { squaredNorm, inputNorm: Math.sqrt(inputSquares), gradientNorm: Math.sqrt(gradientSquares), kernel };
}

/** All inner products of one example's rows, in float64. */
function gramMatrix(
  values: Float32Array,
  example: number,
  { positions, width }: { readonly positions: number; readonly width: number },
): Float64Array {
  const gram = new Float64Array(positions * positions);
  const start = example * positions * width;
  for (let t = 0; t < positions; t++) {
    for (let u = 0; u <= t; u++) {
      const product = innerProduct(values, { a: start + t * width, b: start + u * width, length: width });
      gram[t * positions + u] = product;
      gram[u * positions + t] = product;
    }
  }
  return gram;
}

function kernelInFloat64(products: Values, example: number): Float64Array {
  const { positions, inputs, gradients, inputWidth, outputWidth } = products;
  const kernel = new Float64Array(inputWidth * outputWidth);
  for (let t = example * positions; t < (example + 1) * positions; t++) {
    for (let k = 0; k < inputWidth; k++) {
      const input = inputs[t * inputWidth + k] ?? 0;
      for (let o = 0; o < outputWidth; o++) {
        const at = k * outputWidth + o;
        kernel[at] = (kernel[at] ?? 0) + input * (gradients[t * outputWidth + o] ?? 0);
      }
    }
  }
  return kernel;
}

const isScalable = ({ inputNorm, gradientNorm, kernel }: Measured, factor: number): boolean =>
  kernel === null && Math.sqrt(factor * inputNorm * gradientNorm) < LARGEST_SCALED;

interface ScaledProduct {
  readonly products: Values;
  readonly examples: readonly Measured[];
  readonly factors: Float64Array;
}

/** a^T diag(c) g of all examples but those that are added in float64. */
function addScaledProduct({ products, examples, factors }: ScaledProduct, into: Float64Array): void {
  const ordinary = examples.every((one, example) => isOrdinary(one, factors[example] ?? 0));
  const [a, g] = ordinary ? gradientsScaled(products, factors) : bothScaled({ products, examples, factors });
  const product = floatsOf(transposedTimes(a, g));
  for (let i = 0; i < into.length; i++) into[i] = (into[i] ?? 0) + (product[i] ?? 0);
}

/** Whether the inputs can stay as they are: no value is then so large, or all that matter so small, that float32 ends. */
function isOrdinary({ inputNorm, gradientNorm, kernel }: Measured, factor: number): boolean {
  const isMiddling = (norm: number): boolean => norm === 0 || (norm > 1 / LARGEST_ORDINARY && norm < LARGEST_ORDINARY);
  return kernel === null && isMiddling(inputNorm) && isMiddling(factor * gradientNorm);
}

function gradientsScaled(
  { count, inputMatrix, gradients, outputWidth }: Values,
  factors: Float64Array,
): [Tensor2D, Tensor2D] {
  const scaled = new Float32Array(gradients.length);
  factors.forEach((factor, example) => copyScaled({ from: gradients, to: scaled, count, example }, factor));
  return [inputMatrix, tensor2d(scaled, [scaled.length / outputWidth, outputWidth])];
}

/**
 * Both sides scaled to the same norm, so that neither leaves the range of float32 however far apart they are. Examples
 * that add nothing, or not here, are rows of zeros.
 */
function bothScaled({ products, examples, factors }: ScaledProduct): [Tensor2D, Tensor2D] {
  const { count, positions, inputWidth, outputWidth } = products;
  const inputs = new Float32Array(count * positions * inputWidth);
  const gradients = new Float32Array(count * positions * outputWidth);
  examples.forEach((one, example) => {
    const factor = factors[example] ?? 0;
    if (factor === 0 || one.inputNorm === 0 || one.gradientNorm === 0 || !isScalable(one, factor)) return;
    const ratio = one.gradientNorm / one.inputNorm;
    copyScaled({ from: products.inputs, to: inputs, count, example }, Math.sqrt(factor * ratio));
    copyScaled({ from: products.gradients, to: gradients, count, example }, Math.sqrt(factor / ratio));
  });
  const rows = count * positions;
  return [tensor2d(inputs, [rows, inputWidth]), tensor2d(gradients, [rows, outputWidth])];
}

interface Copy {
  readonly from: Float32Array;
  readonly to: Float32Array;
  readonly count: number;
  readonly example: number;
}

function copyScaled({ from, to, count, example }: Copy, scale: number): void {
  const length = from.length / count;
  for (let i = example * length; i < (example + 1) * length; i++) to[i] = scale * (from[i] ?? 0);
}
