// The step that the last committed round took: what the newest updates are compared with, since honest clients go on
// roughly where they went.

import type { Digest } from '../../shared/ids.ts';
import type { ModelStore } from './model-store.ts';
import { type ModelPlace, readModel } from './read-model.ts';

/** `model` minus its parent, d values; null for the initial model. */
export async function stepTo(
  digest: Digest,
  model: Float32Array,
  place: ModelPlace & { readonly models: ModelStore },
): Promise<Float32Array | null> {
  const parent = (await place.models.byDigest(digest))?.parent ?? null;
  if (parent === null) return null;
  const before = await readModel(parent, place);
  return model.map((value, i) => value - (before[i] ?? NaN));
}
