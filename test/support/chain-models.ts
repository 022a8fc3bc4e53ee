// Small TensorFlow.js models of named dense layers, examples for them, and the slow way to the gradients of any model: one
// example at a time through the model's own layers. What the private way must agree with.

import {
  add,
  log,
  mean,
  mul,
  neg,
  type Scalar,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { type LayersModel, layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import type { ActivationName } from '../../client-sdk/privacy/activations.ts';
import type { LossName } from '../../client-sdk/privacy/losses.ts';
import type { Batch } from '../../client-sdk/training/example-set.ts';
import { modelSchema, tensorOffsets } from '../../client-sdk/training/model-layout.ts';
import { fillStandardNormals, seededRandomSource } from '../../shared/random-source.ts';
import { parameterCount } from '../../shared/update-format/tensor-schema.ts';

export interface ChainShape {
  /** Input length, then the width of each dense layer. */
  readonly widths: readonly number[];
  readonly hidden?: ActivationName;
  readonly final?: ActivationName;
  readonly useBias?: boolean;
}

/** Layers named a, b, c, … */
export function chainModel({ widths, hidden = 'tanh', final = 'linear', useBias = true }: ChainShape): Sequential {
  const [inputLength = 1, ...units] = widths;
  const dense = units.map((width, i) =>
    layers.dense({
      name: String.fromCodePoint(97 + i),
      units: width,
      useBias,
      activation: i === units.length - 1 ? final : hidden,
      ...(i === 0 ? { inputShape: [inputLength] } : {}),
    }),
  );
  return sequential({ layers: dense });
}

/** Standard normals times `scale`. */
export function normals(count: number, seed: number, scale = 1): Float32Array {
  const values = new Float64Array(count);
  fillStandardNormals(seededRandomSource(seed, 'normals'), values);
  return Float32Array.from(values, (value) => scale * value);
}

/** Rows of random inputs and one-hot targets. */
export function randomBatch(form: { count: number; inputLength: number; outputLength: number; seed: number }): Batch {
  const { count, inputLength, outputLength, seed } = form;
  const targets = new Float32Array(count * outputLength);
  for (let row = 0; row < count; row++) targets[row * outputLength + ((row * 7 + seed) % outputLength)] = 1;
  return { count, inputs: normals(count * inputLength, seed), targets };
}

export function rowOf({ count, inputs, targets }: Batch, row: number): Batch {
  const part = (values: Float32Array): Float32Array =>
    values.slice((row * values.length) / count, ((row + 1) * values.length) / count);
  return { count: 1, inputs: part(inputs), targets: part(targets) };
}

/** Gradient of one example's loss at the model's present weights, in canonical order, by TensorFlow.js alone. */
export function gradientOfOne(model: LayersModel, loss: LossName, example: Batch): Float32Array {
  const schema = modelSchema(model);
  const offsets = tensorOffsets(schema);
  const flat = new Float32Array(parameterCount(schema));
  tidy(() => {
    const targets = tensor(example.targets, [1, example.targets.length]);
    const shape = model.inputs[0]?.shape.slice(1).map(Number) ?? [];
    const { grads } = variableGrads(() => {
      const outputs = model.apply(tensor(example.inputs, [1, ...shape]), { training: true });
      if (Array.isArray(outputs) || !('dataSync' in outputs)) throw new Error('expected one tensor');
      return lossOfOne[loss](outputs, targets);
    });
    for (const weight of model.weights) {
      const gradient = grads[weight.name];
      if (gradient === undefined) throw new Error(`expected a gradient for ${weight.name}`);
      flat.set(gradient.dataSync(), offsets.get(weight.originalName));
    }
  });
  return flat;
}

/** The same of every example, each scaled to the clipping norm with our margin, and summed in float64. */
export function clippedSumOfLoop(model: LayersModel, { loss, batch, clip, places }: LoopOptions): Float64Array {
  const expected = new Float64Array(places?.length ?? parameterCount(modelSchema(model)));
  for (let row = 0; row < batch.count; row++) {
    const whole = gradientOfOne(model, loss, rowOf(batch, row));
    const gradient = places === undefined ? whole : Float32Array.from(places, (place) => whole[place] ?? NaN);
    const factor = Math.min(1, (clip * (1 - 2 ** -10)) / normL2(gradient));
    gradient.forEach((value, i) => (expected[i] = (expected[i] ?? 0) + factor * value));
  }
  return expected;
}

interface LoopOptions {
  readonly loss: LossName;
  readonly batch: Batch;
  readonly clip: number;
  /** The weights that count, in the order of the sum; default: all. */
  readonly places?: readonly number[];
}

/** By the textbook, from the probabilities: exact enough where none is near 0. */
const lossOfOne: Readonly<Record<LossName, (outputs: Tensor, targets: Tensor) => Scalar>> = {
  'softmax-cross-entropy': (p, y) => neg(sum(mul(y, log(p)))),
  'sigmoid-cross-entropy': (p, y) => neg(mean(add(mul(y, log(p)), mul(sub(1, y), log(sub(1, p)))))),
  'mean-squared-error': (o, y) => mean(square(sub(o, y))),
};

export function normL2(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((total, value) => total + value * value, 0));
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);
}
