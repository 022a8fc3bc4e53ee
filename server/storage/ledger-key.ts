// The key that signs the ledger's checkpoints, and nothing else: 32 random bytes in hex in a file of its own that only
// the owner of the folder can read. Whoever only looks back needs none.

import { existsSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { randomHex } from '../../shared/bytes.ts';
import { signingKeyFromSeed } from '../../shared/ed25519.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { LedgerSigner } from './federation-scope.ts';

const SEED_BYTES = 32;

/**
 * Makes the key where there is none; durable when it resolves. Only for the owner of the folder.
 * @throws InvariantError when the file is damaged, or missing where `isFounded`: clients hold the ledger to its old key.
 */
export async function ledgerKeyIn(path: string, { isFounded }: { readonly isFounded: boolean }): Promise<LedgerSigner> {
  if (!existsSync(path)) {
    if (isFounded) throw new InvariantError(`${path} is missing: restore the ledger key from a backup`);
    await makeKey(path);
  }
  const seed = (await readFile(path, 'utf8')).trim();
  if (!/^[0-9a-f]{64}$/.test(seed))
    throw new InvariantError(`${path} holds no ledger key: 64 hex characters expected. Restore it from a backup`);
  const { publicKey, sign } = await signingKeyFromSeed(seed);
  return { publicKey, sign };
}

/** Whole or absent after any crash. */
async function makeKey(path: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`${randomHex(SEED_BYTES)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path));
  await folder.sync();
  await folder.close();
}

/** For a folder that was opened to read only. */
export const noSigner: LedgerSigner = {
  publicKey: '',
  sign: () => Promise.reject(new InvariantError('this data folder was opened to read only')),
};
