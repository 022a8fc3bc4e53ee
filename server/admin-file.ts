// How a command finds the coordinator that holds its data folder: admin.json in that folder, with the address and the
// admin token, readable to the folder's owner alone. It is there while the coordinator listens; one that a crash has left
// behind is overwritten at the next start, and its token is worth nothing by then.

import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const addressSchema = z.strictObject({ url: z.url(), token: z.string().regex(/^[0-9a-f]{64}$/) });
/** Where to send an admin's acts, with what proves that they are one's. */
export type AdminAddress = z.infer<typeof addressSchema>;

export interface ListeningAt {
  readonly host: string;
  readonly port: number;
  /** 64 lower-case hexadecimal characters. */
  readonly token: string;
}

/** Whole or absent for whoever reads it. @returns what takes it away again. */
export async function writeAdminFile(dir: string, { host, port, token }: ListeningAt): Promise<() => Promise<void>> {
  const file = fileIn(dir);
  const address: AdminAddress = { url: `http://${reachable(host)}:${port}`, token };
  // A file that is there keeps its mode.
  await rm(`${file}.tmp`, { force: true });
  await writeFile(`${file}.tmp`, `${JSON.stringify(address)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(`${file}.tmp`, file);
  return () => rm(file, { force: true });
}

/** Undefined where no coordinator has said that it listens. */
export async function readAdminFile(dir: string): Promise<AdminAddress | undefined> {
  const text = await readFile(fileIn(dir), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : addressSchema.parse(JSON.parse(text));
}

/** A wildcard is listened on and cannot be called: on the same machine loopback reaches it. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::' || host === '') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

const fileIn = (dir: string): string => join(dir, 'admin.json');
