// What an optimiser remembers, as one blob that its model version names: written before the transaction that commits the
// version, found again through it. So neither a crash nor a rollback can lose it, nor give a model the state of another.

import type { Digest, FederationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { BlobStore } from '../../shared/ports.ts';
import { isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import { decodeSafetensors, encodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { canonicalOrder, parameterCount, type TensorSchema } from '../../shared/update-format/tensor-schema.ts';
import type { ServerOptimiser } from './optimiser.ts';

export interface OptimiserPlace {
  readonly optimiser: ServerOptimiser;
  /** Of the model. */
  readonly schema: TensorSchema;
  readonly blobs: BlobStore;
}

/** `digest` null: before the first step. @throws InvariantError when the blob is missing, damaged or of another optimiser. */
export async function readState(digest: Digest | null, place: OptimiserPlace): Promise<readonly Float32Array[]> {
  const { optimiser, schema, blobs } = place;
  if (digest === null) return optimiser.initialState(parameterCount(schema));
  const bytes = await blobs.get(digest);
  if (!bytes) throw new InvariantError(`the optimiser state ${digest} is not in the blob store`);
  const vectors = decodeState(bytes, place);
  if (isRefused(vectors)) throw new InvariantError(`the optimiser state ${digest}: ${vectors.refusal.message}`);
  return vectors.vectors;
}

/** Refuses bad-format, unknown-tensor and bad-shape. */
export function decodeState(
  bytes: Uint8Array,
  { optimiser, schema }: Pick<OptimiserPlace, 'optimiser' | 'schema'>,
): { readonly kind: 'state'; readonly vectors: readonly Float32Array[] } | Refused {
  const decoded = decodeSafetensors(bytes, stateSchema(optimiser, schema));
  if (isRefused(decoded)) return decoded;
  const d = parameterCount(schema);
  return { kind: 'state', vectors: optimiser.remembers.map((_, i) => decoded.values.slice(i * d, (i + 1) * d)) };
}

export interface StateLineage {
  readonly federation: FederationId;
  /** The round after which this is remembered. */
  readonly round: number;
}

/** The bytes of a state, which say whose it is; undefined where nothing is remembered. */
export function encodeState(
  vectors: readonly Float32Array[],
  { federation, round }: StateLineage,
  { optimiser, schema }: Pick<OptimiserPlace, 'optimiser' | 'schema'>,
): Uint8Array<ArrayBuffer> | undefined {
  const { name, variant, remembers } = optimiser;
  if (remembers.length === 0) return undefined;
  const d = parameterCount(schema);
  const values = new Float32Array(remembers.length * d);
  vectors.forEach((vector, i) => values.set(vector, i * d));
  const metadata = { federation, round: String(round), optimiser: `${name} (${variant})` };
  return encodeSafetensors(stateSchema(optimiser, schema), values, metadata);
}

/** Durable when it resolves; null where nothing is remembered. */
export async function keepState(
  vectors: readonly Float32Array[],
  lineage: StateLineage,
  place: OptimiserPlace,
): Promise<Digest | null> {
  const bytes = encodeState(vectors, lineage, place);
  return bytes ? await place.blobs.put(bytes) : null;
}

/** The model's tensors once for each vector, `momentum/kernel`: one vector lies behind the other, each in canonical order. */
const stateSchema = ({ remembers }: ServerOptimiser, schema: TensorSchema): TensorSchema =>
  canonicalOrder(
    remembers.flatMap((vector) => schema.map(({ name, shape }) => ({ name: `${vector}/${name}`, shape }))),
  );
