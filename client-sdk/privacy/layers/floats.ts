// A float32 tensor in, its values out: read only, since a backend may hand over its own.

import type { Tensor } from '@tensorflow/tfjs-core';
import { InvariantError } from '../../../shared/invariant-error.ts';

export function floatsOf(tensor: Tensor): Float32Array {
  const values = tensor.dataSync();
  if (values instanceof Float32Array) return values;
  throw new InvariantError(`expected a tensor of float32, found ${tensor.dtype}`);
}
