// Float32 values in and out of tensors: what a layer computes in plain loops, and what it computes by TensorFlow.js. The
// values of a tensor are kept beside it for as long as it lives, since most backends hold them elsewhere and copy them
// whenever they are asked. Read only, on both sides.

import { reshape, type Tensor, tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { InvariantError } from '../../../shared/invariant-error.ts';

/** Never of variables, whose values change. */
const known = new WeakMap<Tensor, Float32Array>();

export function floatsOf(given: Tensor): Float32Array {
  const values = known.get(given) ?? given.dataSync();
  if (!(values instanceof Float32Array)) throw new InvariantError(`expected float32, found ${given.dtype}`);
  known.set(given, values);
  return values;
}

export function tensorOf(values: Float32Array, shape: readonly number[]): Tensor {
  const made = tensor(values, [...shape]);
  known.set(made, values);
  return made;
}

/** The same values in another shape, for what wants rows of one width. */
export function rowsOf(given: Tensor, width: number): Tensor2D {
  const rows: Tensor2D = reshape(given, [given.size / width, width]);
  const values = known.get(given);
  if (values !== undefined) known.set(rows, values);
  return rows;
}
