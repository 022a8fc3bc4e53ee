// A privacy ledger as a file, `privacy-ledger.json` in a folder of its own or of a client's. Several clients and trainers
// may share it, each in a process of its own: the lock in `privacy-ledger.lock` lets one at a time read it in order to
// write it.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import {
  type PrivacyLedgerEntry,
  type PrivacyLedgerStore,
  privacyLedgerEntrySchema,
} from '../participation/client-store.ts';
import { readIfThere, writeDurably } from './durable-file.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';

export const PRIVACY_LEDGER_FILE = 'privacy-ledger.json';

/** How often to look whether a lock that is held for milliseconds is free, and how long in all by default. */
const RETRY_MS = 5;
const PATIENCE_MS = 30_000;

/**
 * Makes the folder and clears away what a crash left half-written. Whatever has to be alone with the ledger rejects with
 * a RefusedError (folder-in-use) where somebody else has not let go of it within `patienceMs`.
 */
export async function privacyLedgerFile(folder: string, patienceMs = PATIENCE_MS): Promise<PrivacyLedgerStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, PRIVACY_LEDGER_FILE);
  async function withPrivacyLedger<T>(act: () => Promise<T>): Promise<T> {
    const { release } = await ledgerLock(folder, patienceMs);
    try {
      return await act();
    } finally {
      await release();
    }
  }
  // Others may be writing there.
  await withPrivacyLedger(() => removeTemporaries(folder, (name) => name.startsWith(PRIVACY_LEDGER_FILE)));
  return {
    async privacyLedger() {
      const text = await readIfThere(path);
      return text === undefined ? [] : entriesOf(path, text.toString());
    },
    writePrivacyLedger: (entries) => writeDurably(path, `${canonicalJson(entries)}\n`),
    withPrivacyLedger,
  };
}

/** @throws Error for a damaged file: taken for an empty one it would give the whole budget away once more. */
function entriesOf(path: string, text: string): readonly PrivacyLedgerEntry[] {
  try {
    return z.array(privacyLedgerEntrySchema).parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      `${path} is damaged, or of a later version: expected a list of rounds and fits, found ${foundBy(cause)}. Nothing is ` +
        'trained without it. Put its newest backup in its place: without the file, what was spent on these examples is ' +
        'forgotten',
      { cause },
    );
  }
}

function foundBy(cause: unknown): string {
  if (!(cause instanceof z.ZodError)) return 'no JSON';
  const index = cause.issues[0]?.path[0];
  return index === undefined ? 'something else' : `neither as entry ${String(index)}, counted from 0`;
}

/** Of files written durably (durable-file.ts). */
export async function removeTemporaries(folder: string, goes: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith('.tmp') && goes(name)) await rm(join(folder, name), { force: true });
  }
}

async function ledgerLock(folder: string, patienceMs: number): Promise<FolderLock> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const lock = await lockFolder(join(folder, 'privacy-ledger.lock'));
    if (lock.kind === 'locked') return lock;
    if (performance.now() >= giveUpAt) throw new RefusedError(ledgerInUse(folder, lock.by, patienceMs).refusal);
    await setTimeout(RETRY_MS);
  }
}

const ledgerInUse = (folder: string, by: string, patienceMs: number): ReturnType<typeof refuse> =>
  refuse('folder-in-use', {
    message: 'somebody else is writing the privacy ledger and does not let go of it',
    expected: `the privacy ledger in ${folder} free within ${patienceMs / 1000} s`,
    found: `it is held by ${by}`,
    hint: 'everybody holds it for moments only: let that one go on or end it, then try again; nothing was written',
  });
