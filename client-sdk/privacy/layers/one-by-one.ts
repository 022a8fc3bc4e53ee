// Any other layer with weights: one example at a time through a copy of TensorFlow.js's own layer, forward and back, so
// that each example's gradient is its own whatever the layer computes. Slow, and announced as such when a chain is read.
// The backend must have the kernels of the layer's gradient, as WebAssembly does not for convolutions.

import {
  concat,
  getBackend,
  mul,
  type Scalar,
  slice,
  sum,
  type Tensor,
  tidy,
  Variable,
  variable,
  variableGrads,
} from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { allSettings } from './all-settings.ts';
import { type ChainLayer, productOf, sized } from './chain-layer.ts';
import { together, writtenOut } from './example-gradients.ts';
import { floatsOf, tensorOf } from './floats.ts';
import { layerCopy } from './layer-copy.ts';
import type { LayerSource } from './layer-source.ts';
import { UnsupportedModelError } from './unsupported-model-error.ts';

export function oneByOneLayer(source: LayerSource): ChainLayer {
  checkRepeatable(source);
  const { weights: own, use } = layerCopy(source);
  const shapes = sized(source);
  return {
    ...shapes,
    activation: null,
    trainable: true,
    valuesPerExample: 3 * shapes.outputLength + own.reduce((total, { shape }) => total + productOf(shape), 0),
    run: (inputs, weights) => ({
      outputs: use(weights, (layer) => concat(examplesOf(inputs).map((row) => applied(layer, row)))),
      back: (outputGradients) => {
        const gradients = examplesOf(outputGradients);
        const found = named(source.name, () =>
          use(weights, (layer) => examplesOf(inputs).map((row, i) => gradientsOfOne(layer, row, gradients[i] ?? row))),
        );
        const parts = own.map(({ offset }, w) => writtenOut(endToEnd(found.map((one) => one.weights[w])), offset));
        return {
          own: together(parts),
          atInputs: () => tensorOf(endToEnd(found.map((one) => one.input)), inputs.shape),
        };
      },
    }),
  };
}

/** A backend without a kernel names the kernel, but not who wanted it. */
function named<T>(name: string, goBack: () => T): T {
  try {
    return goBack();
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `expected the backend "${getBackend()}" to have the gradient of layer "${name}", found: ${found}; ` +
        'use the native backend or cpu, or a layer that goes as a whole batch',
      { cause },
    );
  }
}

/** Nothing that draws at random or remembers: forward and back have to be of one function. */
function checkRepeatable({ layer }: LayerSource): void {
  for (const [name, value] of allSettings(layer.getConfig())) {
    const draws = /dropout$/i.test(name) && typeof value === 'number' && value > 0;
    if (draws || (name === 'stateful' && value === true)) throw new UnsupportedModelError(layer, `no ${name}`);
  }
}

function examplesOf(batch: Tensor): Tensor[] {
  const [count = 0, ...shape] = batch.shape;
  const rest = shape.map(() => 0);
  return Array.from({ length: count }, (_, row) => slice(batch, [row, ...rest], [1, ...shape]));
}

function applied(layer: layers.Layer, row: Tensor): Tensor {
  const outputs = layer.apply(row);
  if (Array.isArray(outputs) || !('dataSync' in outputs)) throw new InvariantError('expected one tensor of a layer');
  return outputs;
}

interface GradientsOfOne {
  readonly input: Float32Array;
  readonly weights: readonly Float32Array[];
}

function gradientsOfOne(layer: layers.Layer, row: Tensor, outputGradients: Tensor): GradientsOfOne {
  const input = variable(row);
  const weights = layer.trainableWeights.map((weight) => {
    const value = weight.read();
    if (value instanceof Variable) return value;
    throw new InvariantError(`expected ${weight.name} to be a variable`);
  });
  try {
    return tidy(() => {
      const loss = (): Scalar => sum(mul(applied(layer, input), outputGradients));
      const { grads } = variableGrads(loss, [input, ...weights]);
      const gradientOf = ({ name, size }: Variable): Float32Array => {
        const gradient = grads[name];
        return gradient === undefined ? new Float32Array(size) : floatsOf(gradient);
      };
      return { input: gradientOf(input), weights: weights.map(gradientOf) };
    });
  } finally {
    input.dispose();
  }
}

function endToEnd(parts: readonly (Float32Array | undefined)[]): Float32Array {
  const length = parts[0]?.length ?? 0;
  const whole = new Float32Array(length * parts.length);
  parts.forEach((part, i) => {
    if (part !== undefined) whole.set(part, i * length);
  });
  return whole;
}
