// A folder of its own for one test, gone when the test has ended. In memory where this machine has room there: nothing in
// it outlives the test, and waiting for a disk at every commit would take as long as all else that tests do.

import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Linux keeps this one in memory; containers often allow it no more than 64 MB. */
const IN_MEMORY = '/dev/shm';
const ENOUGH_BYTES = 2 ** 30;

const place = hasRoom(IN_MEMORY) ? IN_MEMORY : tmpdir();

export function temporaryFolder(): string {
  const dir = mkdtempSync(join(place, 'muster-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize >= ENOUGH_BYTES;
}
