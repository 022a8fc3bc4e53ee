// A model version's bytes -> its values, through the same decoder as updates: what is kept is checked on every read.

import type { Digest } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { BlobStore } from '../../shared/ports.ts';
import { decodeSafetensors } from '../../shared/update-format/safetensors.ts';
import type { TensorSchema } from '../../shared/update-format/tensor-schema.ts';

export interface ModelPlace {
  readonly blobs: BlobStore;
  readonly schema: TensorSchema;
}

/** @throws InvariantError when the blob is missing, damaged or of another schema. */
export async function readModel(digest: Digest, { blobs, schema }: ModelPlace): Promise<Float32Array> {
  const bytes = await blobs.get(digest);
  if (!bytes) throw new InvariantError(`the model ${digest} is not in the blob store`);
  const decoded = decodeSafetensors(bytes, schema);
  if (decoded.kind === 'refused') throw new InvariantError(`the model ${digest}: ${decoded.refusal.message}`);
  return decoded.values;
}
