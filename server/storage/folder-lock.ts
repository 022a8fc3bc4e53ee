// One coordinator per data folder. The lock is a transaction that stays open on a small database of its own: the
// operating system drops it with the owner's last breath, so that nothing stale can be left behind by a kill.

import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { refuse, type Refused } from '../../shared/protocol/refusals.ts';
import { connect } from './libsql-connection.ts';

export interface FolderLock {
  readonly kind: 'locked';
  release(): Promise<void>;
}

export async function lockFolder(dir: string): Promise<FolderLock | Refused> {
  const connection = await connect(join(dir, 'lock.sqlite'), { readOnly: false, busyTimeoutMs: 0 });
  // Not inside lock.sqlite: closing a file that SQLite has locked would drop the lock of the whole program.
  const ownerFile = join(dir, 'lock.owner');
  try {
    const held = await connection.startTransaction();
    // Never committed. A file that may only be read would else give everybody a transaction at once.
    await held.executeRaw({ sql: 'PRAGMA user_version = 1', args: [], argTypes: [] });
    await writeFile(ownerFile, `process ${process.pid} on ${hostname()}`);
    return {
      kind: 'locked',
      async release() {
        await rm(ownerFile, { force: true });
        await held.rollback();
        await connection.dispose();
      },
    };
  } catch (error) {
    await connection.dispose();
    if (!isBusy(error)) throw error;
    return refuse('folder-in-use', {
      expected: 'a data folder that no other process holds',
      found: `${dir} is held by ${await readFile(ownerFile, 'utf8').catch(() => 'a process that is just starting')}`,
      hint: 'stop the other coordinator, or choose another folder with --dir',
    });
  }
}

/** adapter-libsql calls SQLITE_BUSY a socket timeout. */
function isBusy(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return typeof cause === 'object' && cause !== null && 'kind' in cause && cause.kind === 'SocketTimeout';
}
