// A chain of dense layers, its weights and a batch in; out the sum of the examples' gradients, each first scaled to an
// L2 norm of at most C. No example's gradient is ever written out (book-keeping, Bu et al., arXiv 2210.00038): zero
// "taps" are added to the results of the dense layers before their activations, and one backward pass of the summed
// loss with respect to the taps gives every g_i. Example i's gradient in a layer with input a_i is a_i (x) g_i for
// the kernel and g_i for the bias, so that
//   norm_i^2 = sum over layers |g_i|^2 (|a_i|^2 + 1 with a bias),  c_i = min(1, C (1 - 2^-10) / norm_i),
//   clipped sum = a^T diag(c) g for the kernel,  sum_i c_i g_i for the bias.
// 2^-10 covers float32 rounding, so that no example adds more than C. One whose norm is not finite adds nothing.

import {
  add,
  dispose,
  gather,
  grads,
  keep,
  matMul,
  mul,
  type Scalar,
  square,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
// Not for its exports: loading it registers the gradients of all kernels, which the core's Node bundle leaves out.
import '@tensorflow/tfjs-layers';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { Batch } from '../training/example-set.ts';
import { activations } from './activations.ts';
import type { DenseChain, DenseLayer } from './dense-chain.ts';
import { losses, type LossName } from './losses.ts';

export interface GradientOptions {
  readonly chain: DenseChain;
  readonly loss: LossName;
  /** All weights in the order that the chain's offsets point into; read only. */
  readonly weights: Float32Array;
  readonly batch: Batch;
  /** C: Infinity sums the gradients as they are. */
  readonly clippingNormL2: number;
}

/** One layer's a and g, a row per example. */
interface LayerTrace {
  readonly layer: DenseLayer;
  readonly inputs: Tensor2D;
  readonly gradients: Tensor;
}

const ROUNDING_MARGIN = 1 - 2 ** -10;
/** Smallest float32 of full precision: squares below it are lost, factors below it round too far up to bound anything. */
const SMALLEST_NORMAL = 2 ** -126;

/** The clipped sum, laid out as the weights are. Zero for an empty batch. Leaves no tensor behind. */
export function clippedGradientSum(options: GradientOptions): Float64Array {
  const clippedSum = new Float64Array(options.weights.length);
  if (options.batch.count === 0) return clippedSum;
  const kept: Tensor[] = [];
  tidy(() => {
    const traces = traceLayers(options, kept);
    const factors = clippingFactors(traces, options);
    // Rows that add nothing are left out; times zero would not do, since 0 x NaN is NaN.
    const rows = Uint32Array.from(factors.keys()).filter((row) => (factors[row] ?? 0) > 0);
    if (rows.length === 0) return;
    for (const trace of traces) addLayer(clippedSum, trace, { factors, rows });
  });
  dispose(kept);
  return clippedSum;
}

/** Forward with a tap in every layer, and backward to the taps. */
function traceLayers({ chain, loss, weights, batch }: GradientOptions, kept: Tensor[]): readonly LayerTrace[] {
  const targets = tensor2d(batch.targets, [batch.count, batch.targets.length / batch.count]);
  const inputs: Tensor2D[] = [];
  const forward = (...taps: readonly Tensor[]): Scalar => {
    let values = tensor2d(batch.inputs, [batch.count, chain[0].inputLength]);
    chain.forEach((layer, i) => {
      const tap = taps[i];
      if (tap === undefined) throw new InvariantError(`expected a tap for layer "${layer.name}", found none`);
      // What the tape computes on the way is disposed of with it unless kept.
      kept.push(keep(values));
      inputs.push(values);
      values = add(tap, affine(values, layer, weights));
      for (const name of layer.activations) values = activations[name](values);
    });
    return losses[loss].summed(values, targets);
  };
  const gradients = grads(forward)(chain.map(({ outputLength }) => zeros([batch.count, outputLength])));
  return chain.map((layer, i) => {
    const [a, g] = [inputs[i], gradients[i]];
    if (a === undefined || g === undefined)
      throw new InvariantError(`expected a trace of layer "${layer.name}", found none`);
    return { layer, inputs: a, gradients: g };
  });
}

function affine(values: Tensor2D, layer: DenseLayer, weights: Float32Array): Tensor2D {
  const { inputLength, outputLength, kernelOffset, biasOffset } = layer;
  const kernel = weights.subarray(kernelOffset, kernelOffset + inputLength * outputLength);
  const product: Tensor2D = matMul(values, tensor2d(kernel, [inputLength, outputLength]));
  return biasOffset === null
    ? product
    : add(product, tensor1d(weights.subarray(biasOffset, biasOffset + outputLength)));
}

/** c of every example, 0 without a finite norm (or one near 1e38). Float64: products of float32 squares overflow. */
function clippingFactors(traces: readonly LayerTrace[], { batch, clippingNormL2 }: GradientOptions): Float32Array {
  const squaredNorms = new Float64Array(batch.count);
  for (const { layer, inputs, gradients } of traces) {
    const inputSquares = squaredRowNorms(inputs);
    const gradientSquares = squaredRowNorms(gradients);
    const biasInput = layer.biasOffset === null ? 0 : 1;
    for (let i = 0; i < batch.count; i++) {
      squaredNorms[i] = (squaredNorms[i] ?? 0) + (gradientSquares[i] ?? 0) * ((inputSquares[i] ?? 0) + biasInput);
    }
  }
  return Float32Array.from(squaredNorms, (squaredNorm) => {
    const factor = Math.min(1, (clippingNormL2 * ROUNDING_MARGIN) / Math.sqrt(squaredNorm));
    return factor >= SMALLEST_NORMAL ? factor : 0;
  });
}

/** Counts a lost square as if it were the largest that can be lost: too small a norm would clip too little. */
function squaredRowNorms(rows: Tensor): Float64Array {
  const lost = SMALLEST_NORMAL * (rows.shape[1] ?? 0);
  return Float64Array.from(sum(square(rows), 1).dataSync(), (squaredNorm) => squaredNorm + lost);
}

/** Adds one layer's a^T diag(c) g and sum of c g, over the given rows only. */
function addLayer(
  clippedSum: Float64Array,
  { layer, inputs, gradients }: LayerTrace,
  { factors, rows }: { readonly factors: Float32Array; readonly rows: Uint32Array },
): void {
  const all = rows.length === factors.length;
  const pick = (x: Tensor): Tensor => (all ? x : gather(x, tensor1d(Int32Array.from(rows), 'int32')));
  const weighted = mul(pick(gradients), pick(tensor2d(factors, [factors.length, 1])));
  clippedSum.set(matMul(pick(inputs), weighted, true).dataSync(), layer.kernelOffset);
  if (layer.biasOffset !== null) clippedSum.set(sum(weighted, 0).dataSync(), layer.biasOffset);
}
