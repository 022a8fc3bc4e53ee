// Adds 1 to the number in the file `count` so many times, each time alone with the folder's privacy ledger: adding is
// reading, waiting and writing, so that two at once would lose some.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { privacyLedgerFile } from '../../client-sdk/platform/privacy-ledger-file.ts';

export const countTask = z.object({ folder: z.string(), times: z.number() });

export async function countInLedgerFolder({ folder, times }: z.infer<typeof countTask>): Promise<void> {
  const path = join(folder, 'count');
  for (let i = 0; i < times; i++) {
    const store = await privacyLedgerFile(folder);
    await store.withPrivacyLedger(async () => writeFile(path, String(Number(await readFile(path)) + 1)));
  }
}
