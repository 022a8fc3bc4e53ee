// What the round closes with: the staged updates as rows of a cohort, in the order of client ids. They are in memory
// where they arrived there and fit, and else read back from the blob store; beyond the memory budget they stay in their
// files. Whichever it is, the rows are the same.

import { type ClientId, compareText, type Digest } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import type { BlobStore } from '../../../shared/ports.ts';
import { decodeInPlace } from '../../../shared/update-format/safetensors.ts';
import { parameterCount, type TensorSchema } from '../../../shared/update-format/tensor-schema.ts';
import type { Cohort } from '../../aggregation/cohort.ts';
import type { RowSource } from '../../aggregation/kernels/kernel.ts';
import type { UpdateFigures } from '../update-figures.ts';
import type { ArrivedUpdates } from './arrived-updates.ts';
import type { UpdateRow } from './update-store.ts';

export interface StagedPlace {
  readonly schema: TensorSchema;
  readonly blobs: BlobStore;
  /** Where the file of a blob lies. */
  readonly blobFile: (digest: Digest) => string;
  readonly arrived: ArrivedUpdates;
}

export interface TakenUpdate {
  readonly client: ClientId;
  readonly digest: Digest;
  readonly figures: UpdateFigures;
}

export interface StagedCohort {
  /** In the order of client ids. */
  readonly taken: readonly TakenUpdate[];
  /** The rows of some of them, in the order given. */
  cohortOf(members: readonly Pick<TakenUpdate, 'client'>[]): Promise<Cohort>;
}

/** @throws InvariantError when a staged update's bytes are gone or damaged: it was acknowledged as durable. */
export async function takeStaged(
  { round, rows }: { readonly round: number; readonly rows: readonly UpdateRow[] },
  place: StagedPlace,
): Promise<StagedCohort> {
  const taken = rows
    .filter((row) => row.state === 'staged')
    .map(takenFrom)
    .sort((a, b) => compareText(a.client, b.client));
  const inMemory = place.arrived.fits(taken.length);
  const cohortOf = await (inMemory ? cohortInMemory(taken, round, place) : cohortInFiles(taken, place));
  return { taken, cohortOf: askedOnce(cohortOf) };
}

/** The cohort asked for last stays: where the screening leaves nobody out, its distances are those of the rule. */
function askedOnce(cohortOf: StagedCohort['cohortOf']): StagedCohort['cohortOf'] {
  let last: { readonly members: string; readonly cohort: Promise<Cohort> } | undefined;
  return (asked) => {
    const members = asked.map(({ client }) => client).join();
    if (last?.members !== members) last = { members, cohort: cohortOf(asked) };
    return last.cohort;
  };
}

function takenFrom({ client, digest, figures }: UpdateRow): TakenUpdate {
  if (!figures) throw new InvariantError(`the staged update ${digest} of ${client} has no figures`);
  return { client, digest, figures };
}

async function cohortInMemory(
  taken: readonly TakenUpdate[],
  round: number,
  place: StagedPlace,
): Promise<StagedCohort['cohortOf']> {
  const growing = place.arrived.take(round);
  const missing = taken.filter(({ client }) => !growing.has(client));
  await Promise.all(missing.map(async (each) => await growing.add(each.client, await valuesOf(each, place))));
  return (members) => growing.cohort(members.map(({ client }) => client));
}

/** Each file is read whole once, for its digest, and then by columns. */
async function cohortInFiles(taken: readonly TakenUpdate[], place: StagedPlace): Promise<StagedCohort['cohortOf']> {
  const rows = new Map<ClientId, RowSource>();
  for (const each of taken) rows.set(each.client, await rowInFile(each, place));
  const rowOf = ({ client }: Pick<TakenUpdate, 'client'>): RowSource => {
    const row = rows.get(client);
    if (!row) throw new InvariantError(`${client} has staged nothing`);
    return row;
  };
  const d = parameterCount(place.schema);
  return (members) => Promise.resolve(place.arrived.kernel.cohort(members.map(rowOf), d));
}

/** Values whose tensors do not lie in canonical order stay in memory. */
async function rowInFile(update: TakenUpdate, place: StagedPlace): Promise<RowSource> {
  const bytes = await bytesOf(update, place);
  const values = decoded(bytes, update, place);
  if (values.buffer !== bytes.buffer) return values;
  return { path: place.blobFile(update.digest), byteOffset: values.byteOffset - bytes.byteOffset };
}

const valuesOf = async (update: TakenUpdate, place: StagedPlace): Promise<Float32Array> =>
  decoded(await bytesOf(update, place), update, place);

async function bytesOf({ client, digest }: TakenUpdate, { blobs }: StagedPlace): Promise<Uint8Array> {
  const bytes = await blobs.get(digest);
  if (!bytes) throw new InvariantError(`the staged update ${digest} of ${client} is not in the blob store`);
  return bytes;
}

function decoded(bytes: Uint8Array, { digest }: TakenUpdate, { schema }: StagedPlace): Float32Array {
  const found = decodeInPlace(bytes, schema);
  if (found.kind === 'refused') throw new InvariantError(`the staged update ${digest}: ${found.refusal.message}`);
  return found.values;
}
