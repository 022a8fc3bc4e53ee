// The activations whose gradient stays within one example: elementwise functions, and softmax along one example's row.
// A closed list, named as TensorFlow.js names them in a layer's configuration.

import {
  clipByValue,
  elu,
  mul,
  relu,
  relu6,
  add,
  selu,
  sigmoid,
  softmax,
  softplus,
  tanh,
  type Tensor2D,
} from '@tensorflow/tfjs-core';

export const activations = {
  linear: (x) => x,
  relu: (x) => relu(x),
  relu6: (x) => relu6(x),
  elu: (x) => elu(x),
  selu: (x) => selu(x),
  sigmoid: (x) => sigmoid(x),
  hardSigmoid: (x) => clipByValue(add(mul(x, 0.2), 0.5), 0, 1),
  softplus: (x) => softplus(x),
  swish: (x) => mul(x, sigmoid(x)),
  tanh: (x) => tanh(x),
  softmax: (x) => softmax(x),
} as const satisfies Record<string, (x: Tensor2D) => Tensor2D>;

export type ActivationName = keyof typeof activations;

export const isActivationName = (text: unknown): text is ActivationName =>
  typeof text === 'string' && Object.hasOwn(activations, text);
