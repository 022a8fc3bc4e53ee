// Content-addressed files: blobs/ab/<64 hex>. A file's name is a digest computed on this side, never a caller's path or a
// sender's word. Bytes are synced under a temporary name in the same folder, renamed, and the folders synced, so that a
// blob is whole or absent after any crash, and there for good once `put` has resolved. Digests are checked again on every
// read.

import { createHash, randomUUID } from 'node:crypto';
import { constants, type PathLike } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asDigest, type Digest } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { BlobStore } from '../../shared/ports.ts';

const TEMPORARY = '.tmp';
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/** Does not touch the folder until it is used. */
export function fileBlobStore(folder: string): BlobStore {
  const pathOf = (digest: Digest): string => blobFile(folder, digest);
  const get = (digest: Digest): Promise<Uint8Array | undefined> => readVerified(pathOf(digest), digest);
  /** Of the folders below, those that are there for good: nothing removes one again. */
  const lasting = new Set<string>();
  return {
    get,
    async put(bytes, computed) {
      const digest = computed ?? digestOf(bytes);
      const path = pathOf(digest);
      // A damaged file is replaced; a whole one may still wait for its folder to be synced by whoever wrote it.
      const kept = await get(digest).catch(() => undefined);
      if (kept === undefined) await writeWhole(path, bytes);
      await sync(dirname(path));
      if (!lasting.has(dirname(path))) await sync(folder);
      lasting.add(dirname(path));
      return digest;
    },
    has: (digest) => stat(pathOf(digest)).then(() => true, absent(false)),
    delete: (digest) => rm(pathOf(digest), { force: true }),
  };
}

/** Where a blob's file lies, if it is kept. */
export function blobFile(folder: string, digest: Digest): string {
  return join(folder, asDigest(digest).slice(0, 2), digest);
}

/** The same blobs, but nothing is ever written or deleted. */
export function readOnlyBlobs(blobs: BlobStore): BlobStore {
  const forbid = (): Promise<never> => Promise.reject(new InvariantError('this data folder was opened to read only'));
  return { ...blobs, put: forbid, delete: forbid };
}

/** Removes what a crash left half-written. Only for the owner of the folder, before anything is put. */
export async function removeStaleTemporaries(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(folder, { recursive: true });
  for (const name of names.filter((entry) => entry.endsWith(TEMPORARY))) await rm(join(folder, name));
}

async function readVerified(path: string, digest: Digest): Promise<Uint8Array | undefined> {
  const file = await open(path, O_RDONLY | O_NOFOLLOW).catch(absent(undefined));
  if (file === undefined) return undefined;
  try {
    const bytes = await file.readFile();
    if (digestOf(bytes) === digest) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } finally {
    await file.close();
  }
  throw new InvariantError(`blob ${digest} is damaged: its bytes have another digest. Restore ${path} from a backup`);
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomUUID()}${TEMPORARY}`;
  try {
    const file = await open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function sync(folder: PathLike): Promise<void> {
  const handle = await open(folder, O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function digestOf(bytes: Uint8Array): Digest {
  return asDigest(createHash('sha256').update(bytes).digest('hex'));
}

/** For a file that may not be there: `value` then, any other failure stays one. */
function absent<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return value;
    throw error;
  };
}
