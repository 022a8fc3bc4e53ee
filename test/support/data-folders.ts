// Data folders opened for one test and closed with it.

import { onTestFinished } from 'vitest';
import type { Clock } from '../../shared/ports.ts';
import { RefusedError, type Refused } from '../../shared/protocol/refusals.ts';
import { type DataFolder, openDataFolder, readDataFolder } from '../../server/storage/data-folder.ts';

/** Stands still. */
export const testClock: Clock = {
  now: () => new Date('2026-03-01T12:00:00.123Z'),
  after: () => () => undefined,
};

export async function openFolder(dir: string): Promise<DataFolder> {
  return closedWithTest(await openDataFolder(dir, testClock));
}

export async function readFolder(dir: string): Promise<DataFolder> {
  return closedWithTest(await readDataFolder(dir, testClock));
}

function closedWithTest(folder: DataFolder | Refused): DataFolder {
  if (folder.kind === 'refused') throw new RefusedError(folder.refusal);
  onTestFinished(() => folder.close());
  return folder;
}
