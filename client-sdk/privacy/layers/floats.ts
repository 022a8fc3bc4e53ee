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

/** The same values in another shape; the tensor itself where it has that already. */
export function shaped(given: Tensor, shape: readonly number[]): Tensor {
  if (given.rank === shape.length && given.shape.every((extent, axis) => extent === shape[axis])) return given;
  const made = reshape(given, [...shape]);
  const values = known.get(given);
  if (values !== undefined) known.set(made, values);
  return made;
}

/** The same for what wants rows of one width. */
export function rowsOf(given: Tensor, width: number): Tensor2D {
  const rows = shaped(given, [given.size / width, width]);
  if (isMatrix(rows)) return rows;
  throw new InvariantError(`expected rows, found ${rows.rank} axes`);
}

const isMatrix = (given: Tensor): given is Tensor2D => given.rank === 2;
