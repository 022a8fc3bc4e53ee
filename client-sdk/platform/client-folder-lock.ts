// One process, and in it one client, a folder: two that count in memory what the same examples have cost would spend
// the budget twice. The lock is a file with the owner's process id; what a dead process left behind does not count.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { readIfThere } from './durable-file.ts';

export interface ClientFolderLock {
  readonly kind: 'locked';
  release(): Promise<void>;
}

/** Held by this process: a process id alone cannot tell a restart that got the same one, as in a container. */
const heldHere = new Set<string>();

/** Makes the folder. Refuses folder-in-use. */
export async function lockClientFolder(folder: string): Promise<ClientFolderLock | Refused> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = resolve(folder, 'lock');
  const owner = await liveOwner(path);
  if (owner !== undefined) return inUse(folder, owner);
  heldHere.add(path);
  try {
    await rm(path, { force: true });
    await writeFile(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 });
  } catch (fault) {
    heldHere.delete(path);
    if (fault instanceof Error && 'code' in fault && fault.code === 'EEXIST') return inUse(folder, 'another process');
    throw fault;
  }
  const giveBack = async (): Promise<void> => {
    await rm(path, { force: true });
    heldHere.delete(path);
  };
  let given: Promise<void> | undefined;
  // Once: by a second time the folder may be another client's.
  return { kind: 'locked', release: () => (given ??= giveBack()) };
}

async function liveOwner(path: string): Promise<string | undefined> {
  if (heldHere.has(path)) return 'this process';
  const pid = Number((await readIfThere(path))?.toString());
  return Number.isSafeInteger(pid) && pid > 0 && pid !== process.pid && isAlive(pid) ? `process ${pid}` : undefined;
}

function isAlive(pid: number): boolean {
  try {
    // Signal 0 asks without touching anything.
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    // There, but somebody else's.
    return fault instanceof Error && 'code' in fault && fault.code === 'EPERM';
  }
}

const inUse = (folder: string, owner: string): Refused =>
  refuse('folder-in-use', {
    expected: 'a client folder that no other client uses',
    found: `${join(folder, 'lock')} is held by ${owner}`,
    hint: 'give each client a folder of its own, or let the other one leave first',
  });
