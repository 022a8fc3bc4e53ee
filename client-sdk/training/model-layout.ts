// A TensorFlow.js model in, its tensors as the federation names and orders them out; and values both ways between
// such a model and one flat vector. Names are `<layer>/<weight>` from the layer's own name: TensorFlow.js's unique
// names depend on what else the process has built (`digits_1/kernel`), which the federation cannot know.

import { tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { closest } from 'fastest-levenshtein';
import { InvariantError } from '../../shared/invariant-error.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { canonicalOrder, parameterCount, sizeOf, type TensorSchema } from '../../shared/update-format/tensor-schema.ts';

/** The tensors of a model in canonical order. */
export function modelSchema(model: LayersModel): TensorSchema {
  return canonicalOrder(
    model.weights.map(({ originalName, shape }) => ({ name: originalName, shape: shape.map(Number) })),
  );
}

/** Where each tensor begins in the flat vector. */
export function tensorOffsets(schema: TensorSchema): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  let offset = 0;
  for (const spec of schema) {
    offsets.set(spec.name, offset);
    offset += sizeOf(spec);
  }
  return offsets;
}

/** The model's present weights as one flat vector in canonical order. */
export function readWeights(model: LayersModel): Float32Array {
  const schema = modelSchema(model);
  const offsets = tensorOffsets(schema);
  const values = new Float32Array(parameterCount(schema));
  for (const weight of model.weights) values.set(weight.read().dataSync(), offsetOf(offsets, weight.originalName));
  return values;
}

/** Puts a flat vector in canonical order into the model, for prediction. The vector is copied. */
export function writeWeights(model: LayersModel, values: Float32Array): void {
  const schema = modelSchema(model);
  const expected = parameterCount(schema);
  if (values.length !== expected) throw new InvariantError(`expected ${expected} values, found ${values.length}`);
  const offsets = tensorOffsets(schema);
  tidy(() => {
    const tensors = model.weights.map(({ originalName, shape }) => {
      const offset = offsetOf(offsets, originalName);
      const extents = shape.map(Number);
      return tensor(values.slice(offset, offset + sizeOf({ name: originalName, shape: extents })), extents);
    });
    model.setWeights(tensors);
  });
}

/** The offset of a tensor that the schema is known to hold. */
export function offsetOf(offsets: ReadonlyMap<string, number>, name: string): number {
  const offset = offsets.get(name);
  if (offset === undefined)
    throw new InvariantError(`expected the schema to hold "${name}", found ${[...offsets.keys()].join(', ')}`);
  return offset;
}

/** What stands between a client's model and the federation's, the first difference only; undefined when they agree. */
export function schemaMismatch(model: TensorSchema, federation: TensorSchema): Refused | undefined {
  const ours = new Map(model.map((spec) => [spec.name, spec.shape]));
  const theirs = new Set(federation.map((spec) => spec.name));
  for (const { name, shape } of federation) {
    const found = ours.get(name);
    if (found === undefined) return missingTensor(name, [...ours.keys()]);
    if (found.join() !== shape.join()) {
      return refuse('bad-shape', {
        expected: `tensor "${name}" of shape [${shape.join(', ')}]`,
        found: `[${found.join(', ')}] in this client’s model`,
        hint: 'give the layer the width that the federation’s model has',
      });
    }
  }
  const extra = [...ours.keys()].find((name) => !theirs.has(name));
  return extra === undefined ? undefined : extraTensor(extra, [...theirs]);
}

function missingTensor(name: string, ours: readonly string[]): Refused {
  return refuse('unknown-tensor', {
    expected: `tensor "${name}" of the federation in this client’s model`,
    found: ours.length === 0 ? 'a model without weights' : ours.join(', '),
    ...nearest(
      name,
      ours,
      (candidate) => `name the layers as the federation does: "${candidate}" is the nearest to "${name}"`,
    ),
  });
}

function extraTensor(name: string, theirs: readonly string[]): Refused {
  return refuse('unknown-tensor', {
    expected: theirs.length === 0 ? 'no tensors' : theirs.join(', '),
    found: `also "${name}" in this client’s model`,
    ...nearest(name, theirs, (candidate) => `take the weight out of the model, or was "${candidate}" meant?`),
  });
}

function nearest(name: string, candidates: readonly string[], hint: (candidate: string) => string): { hint?: string } {
  return candidates.length === 0 ? {} : { hint: hint(closest(name, candidates)) };
}
