// A data folder: muster.sqlite (what was decided), blobs/ (models and updates), ledger-key and lock.sqlite. The
// coordinator opens it alone and to write, whoever looks back opens it beside and can only read. Nothing else in Muster
// knows where things lie.

import { existsSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asFederationId, type Digest, type FederationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { type BlobStore, type Clock, systemClock } from '../../shared/ports.ts';
import { refuse, type Refused } from '../../shared/protocol/refusals.ts';
import { type FederationStores, prismaStores } from './federation-stores.ts';
import { blobFile, fileBlobStore, readOnlyBlobs, removeStaleTemporaries } from './file-blob-store.ts';
import { federationScope, type LedgerSigner } from './federation-scope.ts';
import { ledgerKeyIn, noSigner } from './ledger-key.ts';
import { LedgerTree } from './ledger-tree.ts';
import { lockFolder } from './folder-lock.ts';
import { PrismaClient } from './generated/client.ts';
import { type Connection, connect, firstColumn } from './libsql-connection.ts';
import { migrate, migrationState, shippedMigrations } from './migrate.ts';

export interface DataFolder {
  readonly kind: 'open';
  /** Also before the federation is founded: then its stores are empty. */
  storeOf(federation: FederationId): FederationStores;
  /** Those that were founded here, by id. */
  federations(): Promise<readonly FederationId[]>;
  readonly blobs: BlobStore;
  /** Where a blob's file lies, for downloads that are not to pass through memory. */
  blobFile(digest: Digest): string;
  /** A second time does nothing more. */
  close(): Promise<void>;
}

const BUSY_TIMEOUT_MS = 5000;
/** Writers wait for each other, however many there are: a transaction takes milliseconds. */
const TRANSACTION_WAIT_MS = 60_000;

/** What makes an acknowledged write survive a loss of power: read back after it was set. */
const expectedSettings = { journal_mode: 'wal', synchronous: 2, foreign_keys: 1, busy_timeout: BUSY_TIMEOUT_MS };

/** Creates what is missing and holds the folder alone. Refused: `folder-in-use`; `folder-mismatch` after a newer version. */
export async function openDataFolder(dir: string, clock: Clock = systemClock): Promise<DataFolder | Refused> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(dir);
  if (lock.kind === 'refused') return lock;
  const connection = await connect(databaseIn(dir), { readOnly: false, busyTimeoutMs: BUSY_TIMEOUT_MS });
  const release = async (): Promise<void> => {
    await connection.dispose();
    await lock.release();
  };
  let signer: LedgerSigner;
  try {
    // Names, reasons and seeds are in it, and the folder may have been made by others.
    await chmod(databaseIn(dir), 0o600);
    await makeDurable(connection);
    const migrated = await migrate(connection, await shippedMigrations());
    if (migrated.kind === 'refused') {
      await release();
      return migrated;
    }
    await removeStaleTemporaries(blobsIn(dir));
    const isFounded = (await firstColumn(connection, 'SELECT 1 FROM Federation LIMIT 1')).length > 0;
    signer = await ledgerKeyIn(join(dir, 'ledger-key'), { isFounded });
  } catch (error) {
    await release();
    throw error;
  }
  const close = async (): Promise<void> => {
    // The file alone is then the whole database, for whoever copies it.
    await connection.executeScript('PRAGMA wal_checkpoint(TRUNCATE)');
    await release();
  };
  return folderOver({ connection, clock, signer, blobs: fileBlobStore(blobsIn(dir)), dir, close });
}

/** Reads only, beside a coordinator or without one. Refused as `no-history` where no federation was founded. */
export async function readDataFolder(dir: string, clock: Clock = systemClock): Promise<DataFolder | Refused> {
  const nothing = refuse('no-history', {
    expected: 'a folder in which a coordinator has run',
    found: `no federation in ${dir}`,
    hint: 'give the folder that `muster demo` or `muster start` named, with --dir',
  });
  if (!existsSync(databaseIn(dir))) return nothing;
  const connection = await connect(databaseIn(dir), { readOnly: true, busyTimeoutMs: BUSY_TIMEOUT_MS });
  const state = await migrationState(connection, await shippedMigrations());
  if (state.kind === 'readable' && state.pending.length === 0) {
    const blobs = readOnlyBlobs(fileBlobStore(blobsIn(dir)));
    const folder = folderOver({ connection, clock, signer: noSigner, blobs, dir, close: () => connection.dispose() });
    if ((await folder.federations()).length > 0) return folder;
  }
  await connection.dispose();
  if (state.kind === 'refused') return state;
  return state.applied.length === 0 || state.pending.length === 0 ? nothing : olderDatabase(state.applied.length);
}

interface FolderParts {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly signer: LedgerSigner;
  readonly blobs: BlobStore;
  readonly dir: string;
  readonly close: () => Promise<void>;
}

function folderOver({ connection, clock, signer, blobs, dir, close }: FolderParts): DataFolder {
  const { provider, adapterName } = connection;
  // Closed by `close`, after Prisma has let go of it.
  const lent = { ...connection, dispose: () => Promise.resolve() };
  const database = new PrismaClient({
    adapter: { provider, adapterName, connect: () => Promise.resolve(lent) },
    errorFormat: 'minimal',
    transactionOptions: { maxWait: TRANSACTION_WAIT_MS, timeout: TRANSACTION_WAIT_MS },
  });
  let closed: Promise<void> | undefined;
  return {
    kind: 'open',
    storeOf: (federation) =>
      prismaStores(federationScope(database, { federation, clock, signer, tree: new LedgerTree(federation) })),
    async federations() {
      const rows = await database.federation.findMany({ orderBy: { federation: 'asc' } });
      return rows.map(({ federation }) => asFederationId(federation));
    },
    blobs,
    blobFile: (digest) => blobFile(blobsIn(dir), digest),
    close: () => (closed ??= database.$disconnect().then(close)),
  };
}

async function makeDurable(connection: Connection): Promise<void> {
  const [condition] = await firstColumn(connection, 'PRAGMA quick_check(1)').catch((error: unknown) => [error]);
  if (condition !== 'ok')
    throw new InvariantError(`the database is damaged (${String(condition)}): restore it from a backup`);
  await firstColumn(connection, 'PRAGMA journal_mode = WAL');
  await connection.executeScript('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
  for (const [name, expected] of Object.entries(expectedSettings)) {
    const [found] = await firstColumn(connection, `PRAGMA ${name}`);
    if (found !== expected) throw new InvariantError(`SQLite ${name}: expected ${expected}, found ${String(found)}`);
  }
}

function olderDatabase(migrations: number): Refused {
  return refuse('folder-mismatch', {
    message: 'the database was made by an older version of Muster',
    found: `the first ${migrations} migrations`,
    hint: 'start a coordinator on the folder once: it brings the database up to date',
  });
}

const databaseIn = (dir: string): string => join(dir, 'muster.sqlite');
const blobsIn = (dir: string): string => join(dir, 'blobs');
