// A data folder opened to read, beside a coordinator or without one, with its federation; closed again whatever happens.

import type { FederationId } from '../shared/ids.ts';
import type { BlobStore } from '../shared/ports.ts';
import { accepted, RefusedError, type Refused, refuse } from '../shared/protocol/refusals.ts';
import { type DataFolder, openDataFolder, readDataFolder } from '../server/storage/data-folder.ts';
import type { FederationStores } from '../server/storage/federation-stores.ts';

export interface OpenFederation {
  readonly federation: FederationId;
  readonly stores: FederationStores;
  readonly blobs: BlobStore;
}

/** @throws RefusedError where the folder holds no federation. */
export async function withFolder<T>(dir: string, act: (open: OpenFederation) => Promise<T>): Promise<T> {
  return await withOpen(accepted(await readDataFolder(dir)), act);
}

/** To write, as `openDataFolder`, but makes no folder where none is. @throws RefusedError where it holds no federation. */
export async function openExisting(dir: string): Promise<DataFolder | Refused> {
  await accepted(await readDataFolder(dir)).close();
  return await openDataFolder(dir);
}

/** Closes the folder. @throws RefusedError where it holds no federation. */
export async function withOpen<T>(folder: DataFolder, act: (open: OpenFederation) => Promise<T>): Promise<T> {
  try {
    const [federation] = await folder.federations();
    if (federation === undefined) throw new RefusedError(refuse('no-history', { found: 'no federation' }).refusal);
    return await act({ federation, stores: folder.storeOf(federation), blobs: folder.blobs });
  } finally {
    await folder.close();
  }
}
