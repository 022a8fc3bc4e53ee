// Results go to stdout, progress and errors to stderr; with --json the result, or the error, is one JSON object on
// stdout or in the file that --json names.

import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import pc from 'picocolors';
import { type Refusal, RefusedError, refuse } from '../shared/protocol/refusals.ts';

/** Results may hold invites. */
const OWNER_ONLY = 0o600;

/** What --json was given: nothing, the flag alone, or a file. */
export type JsonTarget = string | true | undefined;

export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

export async function printResult(result: object, text: string, json: JsonTarget): Promise<void> {
  if (json === undefined) process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  else await writeJson(result, json).catch((fault: unknown) => Promise.reject(unwritable(fault)));
}

/** Asked before long work, whose result would have nowhere to go. Leaves nothing behind. @throws RefusedError */
export async function requireWritable(file: JsonTarget, option = '--json'): Promise<void> {
  if (typeof file !== 'string') return;
  const isThere = existsSync(file);
  try {
    await writeFile(file, '', { flag: 'a', mode: OWNER_ONLY });
    if (!isThere) await rm(file);
  } catch (fault) {
    throw unwritable(fault, option);
  }
}

const unwritable = (fault: unknown, option = '--json'): RefusedError =>
  new RefusedError(
    refuse('bad-option', {
      message: `the file that ${option} names cannot be written`,
      expected: 'a file that can be written',
      found: String(fault),
    }).refusal,
  );

export async function printRefusal(refusal: Refusal, json: JsonTarget): Promise<void> {
  await writeError(refusal, json);
  tell(pc.red(`refused: ${refusal.message} (${refusal.code})`));
  for (const key of ['expected', 'found', 'hint'] as const) {
    const fact = refusal[key];
    if (fact !== undefined) tell(`  ${key.padEnd(9)}${fact}`);
  }
}

export async function printFault(fault: unknown, json: JsonTarget): Promise<void> {
  const message = fault instanceof Error ? fault.message : String(fault);
  await writeError({ code: 'fault', message }, json);
  tell(pc.red(`fault: ${message}`));
  if (process.env['MUSTER_DEBUG'] !== undefined) tell(inspect(fault));
  else tell('  hint     run again with MUSTER_DEBUG=1 for the whole story');
}

/** The file that --json names may be what cannot be written: the words on stderr have to come all the same. */
async function writeError(error: Parameters<typeof withNulls>[0], json: JsonTarget): Promise<void> {
  if (json === undefined) return;
  try {
    await writeJson({ error: withNulls(error) }, json);
  } catch {
    tell(`nothing could be written to ${String(json)}`);
  }
}

async function writeJson(result: object, json: string | true): Promise<void> {
  const text = `${JSON.stringify(result, null, 2)}\n`;
  if (json === true) process.stdout.write(text);
  else await writeFile(json, text, { mode: OWNER_ONLY });
}

/** Every key is there, so that a reader need not ask. */
function withNulls({ code, message, expected, found, hint }: Omit<Refusal, 'code'> & { code: string }): object {
  return { code, message, expected: expected ?? null, found: found ?? null, hint: hint ?? null };
}
