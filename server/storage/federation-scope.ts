// What every store of one federation is made from. All that is written goes through `write`.

import type { FederationId } from '../../shared/ids.ts';
import type { Clock } from '../../shared/ports.ts';
import { appendLedgerEntries } from './append-ledger-entry.ts';
import type { PrismaClient } from './generated/client.ts';
import type { LedgerTree } from './ledger-tree.ts';
import { type WriteAct, WriteBatch } from './write-batch.ts';

export interface LedgerScope {
  readonly federation: FederationId;
  readonly clock: Clock;
  readonly tree: LedgerTree;
  /** Signs the ledger's checkpoints. */
  readonly signer: LedgerSigner;
}

export interface FederationScope extends LedgerScope {
  readonly database: PrismaClient;
  /** In a transaction that it may share with others' acts (write-batch.ts). */
  write<T>(act: WriteAct<T>): Promise<T>;
}

export interface LedgerSigner {
  /** Raw Ed25519 key, hex. */
  readonly publicKey: string;
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<string>;
}

export function federationScope(database: PrismaClient, ledger: LedgerScope): FederationScope {
  const batch = new WriteBatch({
    database,
    append: (transaction, events) => appendLedgerEntries(transaction, ledger, events),
  });
  return { ...ledger, database, write: (act) => batch.write(act) };
}
