// What the round closes with: the staged updates, read back from the blob store (as after a crash, so that there is one
// way only) and in the order of client ids.

import { type ClientId, compareText, type Digest, type FederationId } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import type { BlobStore } from '../../../shared/ports.ts';
import { decodeInPlace } from '../../../shared/update-format/safetensors.ts';
import type { TensorSchema } from '../../../shared/update-format/tensor-schema.ts';
import type { UpdateFigures } from '../update-figures.ts';
import type { UpdateRow } from './update-store.ts';

export interface StagedPlace {
  readonly federation: FederationId;
  readonly schema: TensorSchema;
  readonly blobs: BlobStore;
}

export interface TakenUpdate {
  readonly client: ClientId;
  readonly digest: Digest;
  readonly figures: UpdateFigures;
  /** Over the bytes as they were read where those lie in order: nobody writes to them. */
  readonly values: Float32Array;
}

/** @throws InvariantError when a staged update's bytes are gone or damaged: it was acknowledged as durable. */
export async function takeStaged(rows: readonly UpdateRow[], place: StagedPlace): Promise<readonly TakenUpdate[]> {
  const staged = rows.filter((row) => row.state === 'staged');
  const taken = await Promise.all(staged.map((row) => takeUpdate(row, place)));
  return taken.sort((a, b) => compareText(a.client, b.client));
}

async function takeUpdate(
  { client, digest, figures }: UpdateRow,
  { blobs, schema }: StagedPlace,
): Promise<TakenUpdate> {
  const bytes = await blobs.get(digest);
  if (!bytes || !figures) throw new InvariantError(`the staged update ${digest} of ${client} is not in the blob store`);
  const decoded = decodeInPlace(bytes, schema);
  if (decoded.kind === 'refused') throw new InvariantError(`the staged update ${digest}: ${decoded.refusal.message}`);
  return { client, digest, figures, values: decoded.values };
}
