// A privacy ledger as a file, `privacy-ledger.json` in a folder of its own or of a client's. Several clients and
// trainers may share it, each in a process of its own: `privacy-ledger.lock` lets one at a time read it in order to write it.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { type PrivacyLedgerStore, privacyLedgerEntrySchema } from '../participation/client-store.ts';
import { withFolderLocked } from './client-folder-lock.ts';
import { readIfThere, writeDurably } from './durable-file.ts';

export const PRIVACY_LEDGER_FILE = 'privacy-ledger.json';

/** Makes the folder and clears away what a crash left half-written. */
export async function privacyLedgerFile(folder: string): Promise<PrivacyLedgerStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, PRIVACY_LEDGER_FILE);
  const lockPath = join(folder, 'privacy-ledger.lock');
  // Others may be writing there.
  await withFolderLocked(lockPath, () => removeTemporaries(folder, (name) => name.startsWith(PRIVACY_LEDGER_FILE)));
  return {
    async privacyLedger() {
      const text = await readIfThere(path);
      return text === undefined ? [] : z.array(privacyLedgerEntrySchema).parse(JSON.parse(text.toString()));
    },
    writePrivacyLedger: (entries) => writeDurably(path, `${canonicalJson(entries)}\n`),
    withPrivacyLedger: (act) => withFolderLocked(lockPath, act),
  };
}

/** Of files written durably (durable-file.ts). */
export async function removeTemporaries(folder: string, goes: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith('.tmp') && goes(name)) await rm(join(folder, name), { force: true });
  }
}
