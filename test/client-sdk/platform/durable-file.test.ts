import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readIfThere, writeDurably } from '../../../client-sdk/platform/durable-file.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('writeDurably', () => {
  it('leaves the whole content under the name, readable by its owner alone, and nothing beside it', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'ledger');
    await writeDurably(path, 'first');
    await writeDurably(path, Uint8Array.of(1, 2, 3));
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['ledger']);
  });

  it('tightens a file that others could read', async () => {
    const path = join(temporaryFolder(), 'key');
    writeFileSync(path, 'old');
    chmodSync(path, 0o644);
    await writeDurably(path, 'new');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('keeps what was there, and leaves no temporary file, when the new content cannot take its place', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'taken', 'inside'), { recursive: true });
    await expect(writeDurably(join(folder, 'taken'), 'new')).rejects.toThrow(/taken/);
    expect(readdirSync(folder)).toEqual(['taken']);
    expect(readdirSync(join(folder, 'taken'))).toEqual(['inside']);
  });

  it('never shows a reader anything but one whole content, however many write at once', async () => {
    const path = join(temporaryFolder(), 'contended');
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(20_000));
    await writeDurably(path, contents[0] ?? '');
    const writing = Promise.all(contents.map((content) => writeDurably(path, content)));
    for (let i = 0; i < 20; i++) expect(contents).toContain((await readIfThere(path))?.toString());
    await writing;
    expect(contents).toContain(readFileSync(path, 'utf8'));
  });
});

describe('readIfThere', () => {
  it('gives undefined for a missing file only: any other fault is thrown', async () => {
    const folder = temporaryFolder();
    expect(await readIfThere(join(folder, 'none'))).toBeUndefined();
    await expect(readIfThere(folder)).rejects.toThrow(/EISDIR/);
  });
});
