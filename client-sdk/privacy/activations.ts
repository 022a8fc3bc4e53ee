// The activations whose gradient stays within one example: elementwise functions, and softmax along one example's row.
// A closed list, named as TensorFlow.js names them in a layer's configuration.

import {
  add,
  clipByValue,
  elu,
  mul,
  relu,
  relu6,
  selu,
  sigmoid,
  softmax,
  softplus,
  tanh,
  type Tensor,
} from '@tensorflow/tfjs-core';

interface Activation {
  readonly apply: (x: Tensor) => Tensor;
  /** The derivative as a function of the result, where there is one: cheaper than TensorFlow.js's way back. */
  readonly slope?: (y: number) => number;
}

export type ActivationName =
  'linear' | 'relu' | 'relu6' | 'elu' | 'selu' | 'sigmoid' | 'hardSigmoid' | 'softplus' | 'swish' | 'tanh' | 'softmax';

export const activations: Readonly<Record<ActivationName, Activation>> = {
  linear: { apply: (x) => x },
  // 1 above 0, without a branch that nobody could predict.
  relu: { apply: (x) => relu(x), slope: (y) => Math.ceil(Math.min(y, 1)) },
  relu6: { apply: (x) => relu6(x) },
  elu: { apply: (x) => elu(x) },
  selu: { apply: (x) => selu(x) },
  sigmoid: { apply: (x) => sigmoid(x), slope: (y) => y * (1 - y) },
  hardSigmoid: { apply: (x) => clipByValue(add(mul(x, 0.2), 0.5), 0, 1) },
  softplus: { apply: (x) => softplus(x) },
  swish: { apply: (x) => mul(x, sigmoid(x)) },
  tanh: { apply: (x) => tanh(x), slope: (y) => 1 - y * y },
  softmax: { apply: (x) => softmax(x) },
};

export const isActivationName = (text: unknown): text is ActivationName =>
  typeof text === 'string' && Object.hasOwn(activations, text);
