// A file that is there as a whole or not at all, whenever its writing is cut short.

import { rename, rm, writeFile } from 'node:fs/promises';
import { RefusedError, refuse } from '../shared/protocol/refusals.ts';

/** In the place of what `path` held before. @throws RefusedError where nothing can be written. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  try {
    await writeFile(temporary, bytes, { mode: 0o600 });
    await rename(temporary, path);
  } catch (fault) {
    await rm(temporary, { force: true });
    const facts = { expected: 'a file that can be written', found: String(fault) };
    throw new RefusedError(refuse('bad-option', { message: 'the file cannot be written', ...facts }).refusal);
  }
}
