// One link of the chain that per-example-gradients.ts walks: a batch of values in, the layer's results out, and the way
// back: from the gradients at the results to those at the inputs and to each example's own gradient of the layer's
// weights. One file of this folder per kind of layer. Every layer keeps the rule that no example's result or gradient
// depends on another example of the batch.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { ActivationName } from '../activations.ts';
import type { ExampleGradients } from './example-gradients.ts';

export interface ChainLayer {
  /** Of the model's layer that it was read from; an activation inside of a layer has that layer's name. */
  readonly name: string;
  /** Of one example, without the batch. */
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  /** The products of the shapes. */
  readonly inputLength: number;
  readonly outputLength: number;
  /** Null unless the layer is a function that a loss can contain. */
  readonly activation: ActivationName | null;
  /** Whether the layer has weights, and so whether gradients have to come back as far as here. */
  readonly trainable: boolean;
  /** Float32 values that it holds for one example until the batch is done, from which micro-batches get their size. */
  readonly valuesPerExample: number;
  /** `inputs` is [count, ...inputShape]; `weights` are those of the whole chain. What it makes belongs to a tidy. */
  readonly run: (inputs: Tensor, weights: Float32Array) => LayerRun;
}

export interface LayerRun {
  /** [count, ...outputShape] */
  readonly outputs: Tensor;
  /** Takes the gradients of the summed loss at `outputs`. */
  readonly back: (outputGradients: Tensor) => LayerGradients;
}

export interface LayerGradients {
  /** Of the layer's own weights; null for a layer without. */
  readonly own: ExampleGradients | null;
  /** At the inputs; computed when called, since nobody asks for them below the first layer with weights. */
  readonly atInputs: () => Tensor;
}

export const productOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

type Shapes = Pick<ChainLayer, 'name' | 'inputShape' | 'outputShape'>;

/** A layer without weights, from its function and the way back through it. */
export function parameterFree(
  { name, inputShape, outputShape }: Shapes,
  run: (inputs: Tensor) => { readonly outputs: Tensor; readonly back: (outputGradients: Tensor) => Tensor },
): ChainLayer {
  return {
    ...sized({ name, inputShape, outputShape }),
    activation: null,
    trainable: false,
    valuesPerExample: 2 * productOf(outputShape),
    run: (inputs) => {
      const { outputs, back } = run(inputs);
      return { outputs, back: (outputGradients) => ({ own: null, atInputs: () => back(outputGradients) }) };
    },
  };
}

export function sized({
  name,
  inputShape,
  outputShape,
}: Shapes): Shapes & Pick<ChainLayer, 'inputLength' | 'outputLength'> {
  return {
    name,
    inputShape,
    outputShape,
    inputLength: productOf(inputShape),
    outputLength: productOf(outputShape),
  };
}
