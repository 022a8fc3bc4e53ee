// A data folder that holds a federation and that nobody has open, as a stopped coordinator leaves it.

import { join } from 'node:path';
import type { LedgerEvent } from '../../server/ledger/ledger-event.ts';
import { readDataFolder } from '../../server/storage/data-folder.ts';
import type { FederationStores } from '../../server/storage/federation-stores.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { foundedIn } from './open-round.ts';
import { federation } from './small-federation.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** `prepare`: what was done in it. */
export async function foundedFolder(prepare: (stores: FederationStores) => Promise<void>): Promise<string> {
  const dir = join(temporaryFolder(), 'data');
  const { folder, stores } = await foundedIn(dir);
  await prepare(stores);
  await folder.close();
  return dir;
}

export async function ledgerOf(dir: string): Promise<readonly LedgerEvent[]> {
  const folder = accepted(await readDataFolder(dir));
  try {
    return (await folder.storeOf(federation).ledger.entries()).map(({ event }) => event);
  } finally {
    await folder.close();
  }
}
