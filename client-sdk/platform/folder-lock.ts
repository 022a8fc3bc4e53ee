// One owner of a folder at a time, whichever process, thread or container it is in: a transaction that stays open on
// `lock.sqlite`, an empty database that is for nothing else. The operating system drops it with its owner's last breath,
// so that a kill leaves nothing stale behind and no process id has to be believed. It holds on a local disk; file systems
// of a network may not keep their locks. Nobody may remove `lock.sqlite`, and no code of this process may read it: closing
// a file that SQLite has locked drops the lock of the whole program. For the same reason two installed copies of libsql do
// not see each other within one process; copies of this module do. Who holds the lock stands beside it, in `lock.owner`.

import Database from 'libsql';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isFault, readIfThere } from './durable-file.ts';

export interface FolderLock {
  readonly kind: 'locked';
  /** Again: does nothing, by then the folder may be another's. */
  release(): Promise<void>;
}

export interface HeldFolder {
  readonly kind: 'held';
  /** Its owner, for people to read. */
  readonly by: string;
}

/** Out of the garbage collector's reach: it would give the lock back. */
const open = new Set<Database.Database>();

/** Makes the folder. Never waits. */
export async function lockFolder(folder: string): Promise<FolderLock | HeldFolder> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ownerFile = join(folder, 'lock.owner');
  const lock = lockedDatabase(join(folder, 'lock.sqlite'));
  if (lock === undefined) {
    return { kind: 'held', by: (await readIfThere(ownerFile))?.toString() ?? 'a process that is just starting' };
  }
  open.add(lock);
  const giveBack = async (): Promise<void> => {
    try {
      await rm(ownerFile, { force: true });
    } finally {
      lock.exec('ROLLBACK');
      lock.close();
      open.delete(lock);
    }
  };
  let given: Promise<void> | undefined;
  const release = (): Promise<void> => (given ??= giveBack());
  try {
    await writeFile(ownerFile, `process ${process.pid} of ${hostname()}`, { mode: 0o600 });
  } catch (fault) {
    await release();
    throw fault;
  }
  return { kind: 'locked', release };
}

/** Undefined where somebody else has locked it. */
function lockedDatabase(path: string): Database.Database | undefined {
  // SQLite's own waiting would stand in the way of an owner in this very thread, so none is asked for.
  const database = new Database(path);
  try {
    // Nothing is ever committed, so that a journal would only be one more file to come and go. The change is asked for
    // because a file that may only be read would else give everybody a transaction at once.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE; PRAGMA user_version = 1');
    return database;
  } catch (fault) {
    database.close();
    if (isFault(fault, 'SQLITE_BUSY')) return undefined;
    throw new Error(`expected to lock ${path}, which has to be writable, found: ${String(fault)}`, { cause: fault });
  }
}
