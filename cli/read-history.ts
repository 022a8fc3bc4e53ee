// Opens a data folder to read and closes it again, whatever happens in between.

import { accepted, RefusedError, refuse } from '../shared/protocol/refusals.ts';
import { readDataFolder } from '../server/storage/data-folder.ts';
import type { FederationStores } from '../server/storage/federation-stores.ts';

/** @throws RefusedError where the folder holds no federation. */
export async function withHistory<T>(dir: string, read: (stores: FederationStores) => Promise<T>): Promise<T> {
  const folder = accepted(await readDataFolder(dir));
  try {
    const [federation] = await folder.federations();
    if (federation === undefined) throw new RefusedError(refuse('no-history', { found: dir }).refusal);
    return await read(folder.storeOf(federation));
  } finally {
    await folder.close();
  }
}
