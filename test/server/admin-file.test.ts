import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAdminFile, writeAdminFile } from '../../server/admin-file.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const token = 'ad'.repeat(32);

describe('the file by which a coordinator is found', () => {
  it('is readable to its owner alone, also in the place of one that was not, and can be taken away', async () => {
    const dir = temporaryFolder();
    const file = join(dir, 'admin.json');
    for (const left of [file, `${file}.tmp`]) writeFileSync(left, 'left behind', { mode: 0o644 });
    const withdraw = await writeAdminFile(dir, { host: '127.0.0.1', port: 7400, token });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['admin.json']);
    expect(await readAdminFile(dir)).toEqual({ url: 'http://127.0.0.1:7400', token });
    await withdraw();
    expect(existsSync(file)).toBe(false);
    expect(await readAdminFile(dir)).toBeUndefined();
    await withdraw();
  });

  it.each([
    ['0.0.0.0', 'http://127.0.0.1:7400'],
    ['::', 'http://[::1]:7400'],
    ['::1', 'http://[::1]:7400'],
    ['192.0.2.7', 'http://192.0.2.7:7400'],
    ['localhost', 'http://localhost:7400'],
  ])('names, for a coordinator that listens on %s, an address that can be called', async (host, url) => {
    const dir = temporaryFolder();
    await writeAdminFile(dir, { host, port: 7400, token });
    expect((await readAdminFile(dir))?.url).toBe(url);
  });
});
