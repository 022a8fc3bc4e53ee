// A process of its own that tries to lock each client folder it is told of, keeps what it gets, and answers how it went.

import { lockClientFolder } from '../../client-sdk/platform/client-folder-lock.ts';

process.on('message', (folder) => void answer(String(folder)));
process.send?.('ready');

async function answer(folder: string): Promise<void> {
  const { kind } = await lockClientFolder(folder);
  process.send?.(kind);
}
