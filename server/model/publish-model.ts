// The last gate and the birth of a version: base model + step, checked finite once more, durable as a safetensors
// file before any row names it.

import type { Digest, FederationId } from '../../shared/ids.ts';
import type { BlobStore } from '../../shared/ports.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { encodeSafetensors } from '../../shared/update-format/safetensors.ts';
import type { TensorSchema } from '../../shared/update-format/tensor-schema.ts';
import { firstNonFinite } from '../../shared/vector/vector.ts';
import type { ModelVersion } from './model-store.ts';

export interface CandidateModel {
  readonly kind: 'candidate';
  readonly values: Float32Array;
}

/** Refuses gate-failed: float32 can overflow although both summands are finite. */
export function gateModel(base: Float32Array, step: Float32Array): CandidateModel | Refused {
  const values = base.map((value, i) => value + (step[i] ?? NaN));
  return requireFinite(values) ?? { kind: 'candidate', values };
}

/** Undefined where all are finite; else gate-failed. */
export function requireFinite(values: Float32Array): Refused | undefined {
  const at = firstNonFinite(values);
  return at < 0 ? undefined : refuse('gate-failed', { expected: 'finite values', found: `${values[at]} at ${at}` });
}

export interface Lineage {
  readonly federation: FederationId;
  readonly schema: TensorSchema;
  readonly round: number;
  readonly parent: Digest | null;
  readonly optimiserState: Digest | null;
}

/** The file's metadata says where the model comes from, so that a file found alone explains itself. */
export async function publishModel(values: Float32Array, lineage: Lineage, blobs: BlobStore): Promise<ModelVersion> {
  const { federation, schema, round, parent, optimiserState } = lineage;
  const metadata = { federation, round: String(round), ...(parent === null ? {} : { parent }) };
  const bytes = encodeSafetensors(schema, values, metadata);
  return { digest: await blobs.put(bytes), parent, round, byteLength: bytes.byteLength, optimiserState };
}
