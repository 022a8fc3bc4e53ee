// The shape of a model as both sides see it: named float32 tensors in canonical order (by name). A model and an update
// are the same thing to the middle of Muster: one flat Float32Array, the tensors laid end to end in that order.

import { canonicalJson } from '../canonical-json.ts';
import { compareText } from '../ids.ts';

export interface TensorSpec {
  readonly name: string;
  /** Whole numbers of at least 1; an empty list is a scalar. */
  readonly shape: readonly number[];
}

/** Sorted by name, names distinct: made by `canonicalOrder`. */
export type TensorSchema = readonly TensorSpec[];

export function canonicalOrder(tensors: readonly TensorSpec[]): TensorSchema {
  return tensors.map(({ name, shape }) => ({ name, shape })).sort((a, b) => compareText(a.name, b.name));
}

/** Number of values in one tensor. */
export function sizeOf(tensor: TensorSpec): number {
  return tensor.shape.reduce((product, extent) => product * extent, 1);
}

/** Number of values in the model, d. */
export function parameterCount(schema: TensorSchema): number {
  return schema.reduce((sum, tensor) => sum + sizeOf(tensor), 0);
}

/** Same schema, same text: what a schema's digest is taken over. */
export function schemaText(schema: TensorSchema): string {
  return canonicalJson(schema.map(({ name, shape }) => ({ name, shape })));
}
