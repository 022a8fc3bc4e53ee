// The step that the last committed round took: what the newest updates are compared with, since honest clients go on
// roughly where they went.

import type { Digest } from '../../shared/ids.ts';
import type { ModelStore } from './model-store.ts';
import { type ModelPlace, readModel } from './read-model.ts';

export interface LastStep {
  /** The parent that it was taken from. */
  readonly from: Digest;
  /** d values. */
  readonly values: Float32Array;
}

/** `model` minus its parent; null for the initial model. */
export async function stepTo(
  digest: Digest,
  model: Float32Array,
  place: ModelPlace & { readonly models: ModelStore },
): Promise<LastStep | null> {
  const from = (await place.models.byDigest(digest))?.parent ?? null;
  if (from === null) return null;
  return { from, values: stepBetween(await readModel(from, place), model) };
}

/** d values, each difference rounded to float32 once. */
export const stepBetween = (before: Float32Array, after: Float32Array): Float32Array =>
  after.map((value, i) => value - (before[i] ?? NaN));
