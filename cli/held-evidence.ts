// What somebody brings along to verify with: a checkpoint kept in a file, the key that an invite states, and the file to
// be verified. Files are looked at before they are read: what is too large never comes into memory.

import { readFile, stat } from 'node:fs/promises';
import { MAX_CHECKPOINT_LENGTH } from '../shared/ledger/checkpoint.ts';
import { RefusedError, refuse } from '../shared/protocol/refusals.ts';
import { misfit } from './option-values.ts';
import type { Held } from '../server/audit/verify-ledger.ts';

export interface HeldOptions {
  readonly checkpoint?: string;
  readonly key?: string;
}

/** @throws RefusedError unless `text` is a key. */
export function ledgerKey(option: string): (text: string) => string {
  return (text) => {
    if (/^[0-9a-f]{64}$/.test(text)) return text;
    throw misfit(option, '64 lower-case hexadecimal characters, as after the last dot of an invite', text);
  };
}

export async function heldEvidence({ checkpoint, key }: HeldOptions): Promise<Held> {
  if (checkpoint === undefined) return { ledgerKey: key };
  // A character of a note has at most 3 bytes.
  const note = await readCapped(checkpoint, 3 * MAX_CHECKPOINT_LENGTH);
  return { ledgerKey: key, checkpoint: new TextDecoder().decode(note) };
}

/** @throws RefusedError for a file that cannot be read or is larger than `maxBytes`. */
export async function readCapped(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const { size } = await stat(path);
    if (size <= maxBytes) return await readFile(path);
    const facts = { expected: `at most ${maxBytes} bytes`, found: `${size} bytes in ${path}` };
    throw new RefusedError(refuse('bad-option', { message: 'the file is too large', ...facts }).refusal);
  } catch (fault) {
    if (fault instanceof RefusedError) throw fault;
    const facts = { expected: 'a file that can be read', found: String(fault) };
    throw new RefusedError(refuse('bad-option', { message: 'the file cannot be read', ...facts }).refusal);
  }
}
