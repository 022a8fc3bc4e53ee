// A chain of layers, its weights and a batch in; out the sum of the examples' gradients, each first scaled to an L2 norm
// of at most C. One way forward and one way back give every layer its inputs and the gradients at its results; from
// those each layer knows the norm of each example's own gradient, and, once the norms of all layers are added up,
//   c_i = min(1, C (1 - 2^-10) / |g_i|),   clipped sum = sum_i c_i g_i.
// 2^-10 covers rounding, so that no example adds more than C. One whose values or norm are not finite adds nothing.

import { type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core';
// Not for its exports: loading it registers the gradients of all kernels, which the core's Node bundle leaves out.
import '@tensorflow/tfjs-layers';
import { CLIPPING_SHARE } from '../../shared/gaussian-noise.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { Batch } from '../training/example-set.ts';
import type { LayerChain } from './layer-chain.ts';
import type { LayerRun } from './layers/chain-layer.ts';
import type { ExampleGradients } from './layers/example-gradients.ts';
import { rowsOf, tensorOf } from './layers/floats.ts';
import { losses, type LossName } from './losses.ts';
import { microBatches } from './micro-batches.ts';

export interface GradientOptions {
  readonly chain: LayerChain;
  readonly loss: LossName;
  /** All weights in the order that the chain's offsets point into; read only. */
  readonly weights: Float32Array;
  readonly batch: Batch;
  /** C: Infinity sums the gradients as they are. */
  readonly clippingNormL2: number;
  /** Most examples in memory at a time; does not change the sum. Default: as many as fit into about 128 MB. */
  readonly physicalBatchSize?: number | undefined;
}

export interface ClippedGradients {
  /** Laid out as the weights are. Zero for an empty batch. */
  readonly sum: Float64Array;
  /** Examples whose norm was at most C as it was. */
  readonly countBelow: number;
}

/** Leaves no tensor behind. */
export function clippedGradients(options: GradientOptions): ClippedGradients {
  const sum = new Float64Array(options.weights.length);
  let countBelow = 0;
  for (const batch of microBatches(options)) {
    tidy(() => {
      const gradients = exampleGradients({ ...options, batch });
      const norms = exampleNorms(gradients, batch.count);
      countBelow += norms.filter((norm) => norm <= options.clippingNormL2).length;
      const factors = clippingFactors(norms, options.clippingNormL2);
      for (const layer of gradients) layer.addTo(sum, factors);
    });
  }
  return { sum, countBelow };
}

export const clippedGradientSum = (options: GradientOptions): Float64Array => clippedGradients(options).sum;

/** Forward through all layers and back to the first that has weights. */
function exampleGradients({ chain, loss, weights, batch }: GradientOptions): readonly ExampleGradients[] {
  const runs: LayerRun[] = [];
  let values = tensorOf(batch.inputs, [batch.count, ...chain[0].inputShape]);
  for (const layer of chain) {
    const run = layer.run(values, weights);
    runs.push(run);
    values = run.outputs;
  }
  const found: ExampleGradients[] = [];
  const width = batch.targets.length / batch.count;
  const targets = tensor2d(batch.targets, [batch.count, width]);
  let gradients: Tensor = losses[loss].gradients(rowsOf(values, width), targets);
  const firstTrainable = chain.findIndex(({ trainable }) => trainable);
  for (let i = chain.length - 1; i >= firstTrainable; i--) {
    const { own, atInputs } = runOf(runs, i).back(gradients);
    if (own !== null) found.push(own);
    if (i > firstTrainable) gradients = atInputs();
  }
  return found;
}

function runOf(runs: readonly LayerRun[], index: number): LayerRun {
  const run = runs[index];
  if (run === undefined) throw new InvariantError(`expected a run of layer ${index}, found none`);
  return run;
}

/** L2, of every example over all layers. */
function exampleNorms(gradients: readonly ExampleGradients[], count: number): Float64Array {
  const squaredNorms = new Float64Array(count);
  for (const layer of gradients) layer.addSquaredNorms(squaredNorms);
  return squaredNorms.map(Math.sqrt);
}

/** c of every example, 0 without a finite norm. */
const clippingFactors = (norms: Float64Array, clippingNormL2: number): Float64Array =>
  norms.map((norm) => {
    const factor = Math.min(1, (clippingNormL2 * CLIPPING_SHARE) / norm);
    return factor > 0 ? factor : 0;
  });
