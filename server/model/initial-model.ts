// The model that round 1 starts from, made from the federation's own description of its tensors: the coordinator needs
// no machine-learning runtime to found a federation.

import { seededRandomSource } from '../../shared/random-source.ts';
import type { TensorSpec } from '../../shared/update-format/tensor-schema.ts';
import { canonicalOrder, parameterCount, sizeOf } from '../../shared/update-format/tensor-schema.ts';

export interface InitialTensor extends TensorSpec {
  readonly initial: 'zeros' | 'glorot-uniform';
}

/** Values of all tensors in canonical order; the same for the same seed. */
export function initialModel(tensors: readonly InitialTensor[], seed: number): Float32Array {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const schema = canonicalOrder(tensors);
  const values = new Float32Array(parameterCount(schema));
  let offset = 0;
  for (const { name, shape } of schema) {
    const end = offset + sizeOf({ name, shape });
    if (byName.get(name)?.initial === 'glorot-uniform')
      fillGlorotUniform(values.subarray(offset, end), { name, shape }, seed);
    offset = end;
  }
  return values;
}

/** Uniform on +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010, equation 16); the last two extents are the fans. */
function fillGlorotUniform(values: Float32Array, { name, shape }: TensorSpec, seed: number): void {
  const random = seededRandomSource(seed, 'initial-weights', name);
  const fanOut = shape.at(-1) ?? 1;
  const fanIn = shape.at(-2) ?? 1;
  const receptiveField = shape.slice(0, -2).reduce((product, extent) => product * extent, 1);
  const limit = Math.sqrt(6 / ((fanIn + fanOut) * receptiveField));
  for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) * limit;
}
