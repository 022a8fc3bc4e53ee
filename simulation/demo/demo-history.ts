// What a demo's folder says of its rounds: the coordinator's records, the accuracy of each stored model on the held-out
// digits, and the label that the coordinator never had: who lied.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signingKeyFromSeed } from '../../shared/ed25519.ts';
import type { ClientId, Digest } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { decodeSafetensors } from '../../shared/update-format/safetensors.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import type { DataFolder } from '../../server/storage/data-folder.ts';
import type { Digits } from '../digits.ts';
import { accuracyOf, softmaxRegressionSchema } from '../softmax-regression.ts';
import { DEMO_FEDERATION } from './demo-settings.ts';

export interface DemoRound {
  readonly record: RoundRecord;
  /** Of the newest model after the round: the base model's where the round was abandoned. */
  readonly modelDigest: Digest;
  readonly accuracy: number;
  readonly twinAccuracy: number;
}

/** Folder of one client, key and privacy ledger included. */
export const clientFolder = (dir: string, index: number): string =>
  join(dir, 'clients', `client-${String(index + 1).padStart(3, '0')}`);

export const twinModelFile = (dir: string, round: number): string => join(dir, 'twin', `round-${round}.safetensors`);

/** How many rounds the twin has run. */
export async function twinRounds(dir: string): Promise<number> {
  const names = await readdir(join(dir, 'twin'));
  return names.filter((name) => name.endsWith('.safetensors')).length;
}

/** Ids in the order of the population. @throws Error for a client that has no key yet. */
export async function clientIds(dir: string, clients: number): Promise<readonly ClientId[]> {
  const keys = Array.from({ length: clients }, (_, index) => readFile(join(clientFolder(dir, index), 'key'), 'utf8'));
  const signing = (await Promise.all(keys)).map((key) => signingKeyFromSeed(key.trim()));
  return (await Promise.all(signing)).map(({ clientId }) => clientId);
}

/** @throws InvariantError when the folder does not hold the model. */
export async function storedModel(folder: DataFolder, digest: Digest): Promise<Float32Array> {
  const bytes = await folder.blobs.get(digest);
  if (!bytes) throw new InvariantError(`the model ${digest} is not in the folder`);
  return decodedModel(bytes);
}

export async function twinModel(dir: string, round: number): Promise<Float32Array> {
  return decodedModel(await readFile(twinModelFile(dir, round)));
}

/** Judges one round; the twin must have run it. */
export async function judgeRound(
  record: RoundRecord,
  { dir, folder, heldOut }: { readonly dir: string; readonly folder: DataFolder; readonly heldOut: Digits },
): Promise<DemoRound> {
  const modelDigest = record.model ?? record.baseModel;
  return {
    record,
    modelDigest,
    accuracy: accuracyOf(await storedModel(folder, modelDigest), heldOut),
    twinAccuracy: accuracyOf(await twinModel(dir, record.number), heldOut),
  };
}

export async function recordsOf(folder: DataFolder): Promise<readonly RoundRecord[]> {
  return await folder.storeOf(DEMO_FEDERATION).rounds.records();
}

function decodedModel(bytes: Uint8Array): Float32Array {
  const decoded = decodeSafetensors(bytes, softmaxRegressionSchema);
  if (decoded.kind === 'refused') throw new InvariantError(`a stored model: ${decoded.refusal.message}`);
  return decoded.values;
}
