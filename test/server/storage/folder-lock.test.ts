import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lockFolder } from '../../../server/storage/folder-lock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { withoutRoot } from '../../support/without-root.ts';

it('the lock of a data folder is refused to everybody where its file may only be read, which all could lock at once', async () => {
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'lock.sqlite'), '', { mode: 0o444 });
  await withoutRoot(dir, async () => {
    for (let attempt = 0; attempt < 2; attempt++) await expect(lockFolder(dir)).rejects.toThrow();
  });
});
