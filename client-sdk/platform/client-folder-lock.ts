// One process, and in it one client, a folder: two that count in memory what the same examples have cost would spend
// the budget twice. The lock is a file that names its owner and appears whole or not at all. What a dead process left
// behind does not count; it is put away by one process at a time, so that nobody removes the lock of a new owner.

import { randomUUID } from 'node:crypto';
import { link, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { accepted, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { isFault, readIfThere } from './durable-file.ts';

export interface ClientFolderLock {
  readonly kind: 'locked';
  release(): Promise<void>;
}

interface Owner {
  readonly kind: 'owned';
  readonly name: string;
  readonly hint?: string;
}

interface Taken {
  readonly kind: 'taken';
}

/** A takeover takes milliseconds: what is older was begun by a process that died in it. */
const STALE_TAKEOVER_MS = 10_000;

/** Held by this process: a process id alone cannot tell a restart that got the same one, as in a container. */
const heldHere = new Set<string>();

/** Makes the folder. Refuses folder-in-use. */
export async function lockClientFolder(folder: string): Promise<ClientFolderLock | Refused> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = resolve(folder, 'lock');
  if (heldHere.has(path)) return inUse(folder, { kind: 'owned', name: 'this process' });
  heldHere.add(path);
  const outcome = await take(path).catch((fault: unknown) => {
    heldHere.delete(path);
    throw fault;
  });
  if (outcome.kind === 'owned') {
    heldHere.delete(path);
    return inUse(folder, outcome);
  }
  const giveBack = async (): Promise<void> => {
    await rm(path, { force: true });
    heldHere.delete(path);
  };
  let given: Promise<void> | undefined;
  // Once: by a second time the folder may be another client's.
  return { kind: 'locked', release: () => (given ??= giveBack()) };
}

/** How often to look whether a lock that is held for milliseconds is free, and how long in all. */
const RETRY_MS = 5;
const PATIENCE_MS = 30_000;

/**
 * Runs `act` while nobody else holds the folder, waiting for whoever does. Others hold it for moments only, or are dead.
 * @throws RefusedError folder-in-use after half a minute.
 */
export async function withFolderLocked<T>(folder: string, act: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  let lock = await lockClientFolder(folder);
  while (lock.kind === 'refused' && performance.now() < giveUpAt) {
    await new Promise((done) => setTimeout(done, RETRY_MS));
    lock = await lockClientFolder(folder);
  }
  const { release } = accepted(lock);
  try {
    return await act();
  } finally {
    await release();
  }
}

async function take(path: string): Promise<Taken | Owner> {
  if (await create(path)) return { kind: 'taken' };
  return (await liveOwner(path)) ?? (await takeOver(path));
}

/** False where there is a lock already. */
async function create(path: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, `${process.pid} ${hostname()}\n`, { flag: 'wx', mode: 0o600 });
    return await unlessThere(link(temporary, path));
  } finally {
    await rm(temporary, { force: true });
  }
}

async function takeOver(path: string): Promise<Taken | Owner> {
  const takeover = `${path}.takeover`;
  await dropStale(takeover);
  if (!(await unlessThere(mkdir(takeover)))) return { kind: 'owned', name: 'a process that is just taking it over' };
  try {
    const owner = await liveOwner(path);
    if (owner) return owner;
    await rm(path, { force: true });
    return (await create(path)) ? { kind: 'taken' } : { kind: 'owned', name: 'another process' };
  } finally {
    await rm(takeover, { recursive: true, force: true });
  }
}

async function dropStale(takeover: string): Promise<void> {
  const begun = await stat(takeover).catch(() => undefined);
  if (begun && Date.now() - begun.mtimeMs > STALE_TAKEOVER_MS) await rm(takeover, { recursive: true, force: true });
}

async function liveOwner(path: string): Promise<Owner | undefined> {
  const [, pid, host] = /^([1-9]\d*) (.+)\n$/.exec((await readIfThere(path))?.toString() ?? '') ?? [];
  if (pid === undefined || host === undefined) return undefined;
  const name = `process ${pid} of ${host}`;
  if (host !== hostname()) {
    // Whether it lives cannot be seen from here.
    return { kind: 'owned', name, hint: `remove the file when ${host} is surely gone` };
  }
  return Number(pid) !== process.pid && isAlive(Number(pid)) ? { kind: 'owned', name } : undefined;
}

function isAlive(pid: number): boolean {
  try {
    // Signal 0 asks without touching anything.
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    // There, but somebody else's.
    return isFault(fault, 'EPERM');
  }
}

async function unlessThere(making: Promise<unknown>): Promise<boolean> {
  try {
    await making;
    return true;
  } catch (fault) {
    if (isFault(fault, 'EEXIST')) return false;
    throw fault;
  }
}

const inUse = (folder: string, { name, hint }: Owner): Refused =>
  refuse('folder-in-use', {
    expected: 'a client folder that no other client uses',
    found: `${join(folder, 'lock')} is held by ${name}`,
    hint: hint ?? 'give each client a folder of its own, or let the other one leave first',
  });
