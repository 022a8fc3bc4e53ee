// The aggregate that a round under central privacy released, as a blob of its own: with it anybody can compute the step
// and the model again, without it nobody could, since its noise is kept nowhere.

import type { Digest, FederationId } from '../../shared/ids.ts';
import type { BlobStore } from '../../shared/ports.ts';
import { encodeSafetensors } from '../../shared/update-format/safetensors.ts';
import type { TensorSchema } from '../../shared/update-format/tensor-schema.ts';

export interface AggregateLineage {
  readonly federation: FederationId;
  readonly schema: TensorSchema;
  readonly round: number;
}

/** Durable when it resolves. */
export async function keepAggregate(
  values: Float32Array,
  { federation, schema, round }: AggregateLineage,
  blobs: BlobStore,
): Promise<Digest> {
  return await blobs.put(encodeSafetensors(schema, values, { federation, round: String(round), kind: 'aggregate' }));
}
