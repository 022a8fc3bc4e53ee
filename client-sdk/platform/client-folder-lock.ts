// One client a folder: two that count in memory what the same examples have cost would spend the budget twice.

import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';

/** Makes the folder. Refuses folder-in-use. */
export async function lockClientFolder(folder: string): Promise<FolderLock | Refused> {
  const lock = await lockFolder(folder);
  if (lock.kind === 'locked') return lock;
  return refuse('folder-in-use', {
    message: 'another client holds the folder',
    expected: 'a client folder that no other client uses',
    found: `${folder} is held by ${lock.by}`,
    hint: 'give each client a folder of its own, or let the other one leave first',
  });
}
