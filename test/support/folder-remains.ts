// What lies in a data folder after its owner has gone: is anything half-written, does the database hold together?

import { readdirSync } from 'node:fs';
import { readDataFolder } from '../../server/storage/data-folder.ts';
import { asFederationId } from '../../shared/ids.ts';
import { accepted } from '../../shared/protocol/refusals.ts';

/** Paths below the folder that a finished write would not have left. */
export function halfWritten(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tmp'));
}

/** Model digests of the rounds that have ended, all of whose bytes are there. @throws Error for a folder that does not open. */
export async function endedRounds(dir: string): Promise<readonly string[]> {
  const folder = accepted(await readDataFolder(dir));
  try {
    const records = await folder.storeOf(asFederationId('digits')).rounds.records();
    const versions = await folder.storeOf(asFederationId('digits')).models.versions();
    for (const { digest } of versions) await folder.blobs.get(digest);
    return records.map(({ model, baseModel }) => model ?? baseModel);
  } finally {
    await folder.close();
  }
}
