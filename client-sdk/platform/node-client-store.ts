// A client's memory as a folder: `key` (owner-readable only), `ledger-<federation>.json` with the last checkpoint of that
// federation's ledger, `terms-<federation>.json` with what it asked for at the first join, and in `submissions/` the
// update that may have to be sent again. One process at a time; the folder is the client. `privacy-ledger.json` lies
// there too, or in a folder that several clients of one owner share.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomHex } from '../../shared/bytes.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import type { FederationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import {
  acceptedTermsSchema,
  type ClientStore,
  ledgerMemorySchema,
  submissionSchema,
} from '../participation/client-store.ts';
import { readIfThere, writeDurably } from './durable-file.ts';
import { PRIVACY_LEDGER_FILE, privacyLedgerFile, removeTemporaries } from './privacy-ledger-file.ts';

const PRIVATE_KEY_BYTES = 32;

export async function nodeClientStore(folder: string, ledgerFolder = folder): Promise<ClientStore> {
  const submissions = join(folder, 'submissions');
  await mkdir(submissions, { recursive: true, mode: 0o700 });
  await removeTemporaries(folder, (name) => !name.startsWith(PRIVACY_LEDGER_FILE));
  await removeTemporaries(submissions, () => true);
  const ledger = await privacyLedgerFile(ledgerFolder);
  const memoryPath = (federation: FederationId): string => join(folder, `ledger-${federation}.json`);
  const termsPath = (federation: FederationId): string => join(folder, `terms-${federation}.json`);
  const stem = (federation: FederationId, round: number): string => join(submissions, `${federation}.${round}`);
  return {
    privateKey: () => privateKeyIn(join(folder, 'key')),
    ...ledger,
    async acceptedTerms(federation) {
      const text = await readIfThere(termsPath(federation));
      return text === undefined ? undefined : acceptedTermsSchema.parse(JSON.parse(text.toString()));
    },
    writeAcceptedTerms: (federation, terms) => writeDurably(termsPath(federation), `${canonicalJson(terms)}\n`),
    async ledgerMemory(federation) {
      const text = await readIfThere(memoryPath(federation));
      return text === undefined ? undefined : ledgerMemorySchema.parse(JSON.parse(text.toString()));
    },
    writeLedgerMemory: (federation, memory) => writeDurably(memoryPath(federation), `${canonicalJson(memory)}\n`),
    async submission(federation, round) {
      const statement = await readIfThere(`${stem(federation, round)}.json`);
      const bytes = await readIfThere(`${stem(federation, round)}.safetensors`);
      if (!statement || !bytes) return undefined;
      return { ...submissionSchema.parse(JSON.parse(statement.toString())), bytes: new Uint8Array(bytes) };
    },
    // The statement last: a submission whose statement is there is whole.
    async writeSubmission({ envelope, signature, bytes }) {
      const path = stem(envelope.federation, envelope.round);
      await writeDurably(`${path}.safetensors`, bytes);
      await writeDurably(`${path}.json`, `${canonicalJson({ envelope, signature })}\n`);
    },
    async dropSubmissionsExcept(federation, round) {
      const kept = round === null ? undefined : `${federation}.${round}.`;
      for (const name of await readdir(submissions)) {
        const goes = name.startsWith(`${federation}.`) && !(kept && name.startsWith(kept));
        if (goes) await rm(join(submissions, name), { force: true });
      }
    },
  };
}

async function privateKeyIn(path: string): Promise<string> {
  return (await keptKeyIn(path)) ?? (await makeKeyIn(path));
}

/** Undefined where there is none. @throws InvariantError for a damaged one. */
export async function keptKeyIn(path: string): Promise<string | undefined> {
  const kept = (await readIfThere(path))?.toString().trim();
  if (kept !== undefined && !/^[0-9a-f]{64}$/.test(kept))
    throw new InvariantError(`${path} holds no private key: 64 hex characters expected`);
  return kept;
}

/** In the place of any other. */
export async function makeKeyIn(path: string): Promise<string> {
  const key = randomHex(PRIVATE_KEY_BYTES);
  await writeDurably(path, `${key}\n`);
  return key;
}
