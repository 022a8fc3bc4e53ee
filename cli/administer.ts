// An admin's act on a data folder, wherever that has to happen: on the folder itself where nobody holds it, through the
// coordinator that holds it where one does.

import type { z } from 'zod';
import { refusedSchema } from '../shared/protocol/messages.ts';
import { systemClock } from '../shared/ports.ts';
import { isRefused, RefusedError, type Refused, refuse } from '../shared/protocol/refusals.ts';
import { type AdminAddress, readAdminFile } from '../server/admin-file.ts';
import type { ActName } from '../server/admission/admin-acts.ts';
import { Administration } from '../server/admission/administration.ts';
import { type OpenFederation, openExisting, withOpen } from './with-folder.ts';

export interface Asked<Result extends object> {
  readonly act: ActName;
  readonly input: object;
  /** What the act gives (server/admission/admin-acts.ts). */
  readonly result: z.ZodType<Result>;
}

const ANSWER_TIMEOUT_MS = 30_000;

/** @throws RefusedError with whatever the act, the folder or the coordinator refuses. */
export async function administer<Result extends object>(dir: string, asked: Asked<Result>): Promise<Result> {
  const folder = await openExisting(dir);
  const outcome = isRefused(folder)
    ? await throughCoordinator(dir, asked, folder)
    : await withOpen(folder, (open) => onFolder(open, asked));
  const refused = refusedSchema.safeParse(outcome);
  if (refused.success) throw new RefusedError(refused.data.refusal);
  return asked.result.parse(outcome);
}

async function onFolder({ federation, stores }: OpenFederation, { act, input }: Asked<object>): Promise<unknown> {
  const { enrolment, ledger } = stores;
  const place = { federation, enrolment, clock: systemClock, ledgerKey: ledger.publicKey, onBarred: () => undefined };
  return await new Administration(place).perform(act, input);
}

async function throughCoordinator(dir: string, asked: Asked<object>, held: Refused): Promise<unknown> {
  const address = held.refusal.code === 'folder-in-use' ? await readAdminFile(dir) : undefined;
  if (!address) return held;
  try {
    return await post(address, asked);
  } catch (fault) {
    const found = `nobody answers at ${address.url} (${fault instanceof Error ? fault.message : String(fault)})`;
    const hint = 'the folder is about to be opened or closed: try again in a moment';
    throw new RefusedError(
      refuse('folder-in-use', { expected: 'the coordinator of this folder', found, hint }).refusal,
    );
  }
}

async function post({ url, token }: AdminAddress, { act, input }: Asked<object>): Promise<unknown> {
  const response = await fetch(new URL(`/admin/${act}`, url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(input),
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  return await response.json();
}
