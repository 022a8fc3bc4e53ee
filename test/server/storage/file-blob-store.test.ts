import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asDigest, type Digest } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { fileBlobStore, readOnlyBlobs, removeStaleTemporaries } from '../../../server/storage/file-blob-store.ts';
import { digest } from '../../support/federation-facts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { fc } from '../../support/properties.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

async function storeWith(words: string) {
  const folder = join(temporaryFolder(), 'blobs');
  await removeStaleTemporaries(folder);
  const blobs = fileBlobStore(folder);
  const kept = await blobs.put(text(words));
  return { folder, blobs, kept, path: join(folder, kept.slice(0, 2), kept) };
}

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [entry.name] : [],
  );

describe('file blob store', () => {
  it('gives back the very bytes under their SHA-256', async () => {
    const { blobs, folder } = await storeWith('');
    const kept = await blobs.put(text('abc'));
    // FIPS 180-2, appendix B.1
    expect(kept).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect([...readFileSync(join(folder, 'ba', kept))]).toEqual([...text('abc')]);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await blobs.get(await blobs.put(bytes))).toEqual(bytes);
      }),
      { numRuns: 20, seed: 4 },
    );
  });

  it('keeps the same bytes once, also when put by many at the same time', async () => {
    const { blobs, folder, kept } = await storeWith('abc');
    const again = await Promise.all(Array.from({ length: 20 }, () => blobs.put(text('abc'))));
    expect(new Set(again)).toEqual(new Set([kept]));
    expect(filesUnder(folder)).toEqual([kept]);
  });

  it('takes a digest that was computed already, and finds out when it reads if it was another’s', async () => {
    const { blobs, kept, path } = await storeWith('abc');
    await blobs.delete(kept);
    expect(await blobs.put(text('abc'), kept)).toBe(kept);
    expect([...readFileSync(path)]).toEqual([...text('abc')]);
    const wrong = digest('other');
    await blobs.put(text('abc'), wrong);
    await expect(blobs.get(wrong)).rejects.toThrow(InvariantError);
  });

  it('does not write again what it has', async () => {
    const { blobs, path } = await storeWith('abc');
    const { ino } = statSync(path);
    await blobs.put(text('abc'));
    expect(statSync(path).ino).toBe(ino);
  });

  it('says which blob is damaged, and heals it when it is put again', async () => {
    const { blobs, kept, path } = await storeWith('model');
    writeFileSync(path, 'modem');
    await expect(blobs.get(kept)).rejects.toThrow(InvariantError);
    await expect(blobs.get(kept)).rejects.toThrow(kept);
    await blobs.put(text('model'));
    expect(await blobs.get(kept)).toEqual(text('model'));
  });

  it('knows what it does not have', async () => {
    const { blobs } = await storeWith('abc');
    expect(await blobs.get(digest('absent'))).toBeUndefined();
    expect(await blobs.has(digest('absent'))).toBe(false);
    await blobs.delete(digest('absent'));
  });

  it('deletes', async () => {
    const { blobs, kept, path } = await storeWith('abc');
    expect(await blobs.has(kept)).toBe(true);
    await blobs.delete(kept);
    expect(await blobs.has(kept)).toBe(false);
    expect(existsSync(path)).toBe(false);
  });

  it('follows no path and no link out of its folder', async () => {
    const { blobs, folder } = await storeWith('abc');
    const outside = join(dirname(folder), 'secret');
    writeFileSync(outside, 'secret');
    for (const name of ['../secret', 'ab/../../secret', `${'a'.repeat(64)}/../../../secret`, 'A'.repeat(64)]) {
      const forged: Digest = JSON.parse(JSON.stringify(name));
      expect(() => blobs.get(forged)).toThrow(InvariantError);
      expect(() => blobs.has(forged)).toThrow(InvariantError);
      expect(() => blobs.delete(forged)).toThrow(InvariantError);
    }
    const link = digest('secret');
    mkdirSync(join(folder, link.slice(0, 2)), { recursive: true });
    symlinkSync(outside, join(folder, link.slice(0, 2), link));
    await expect(blobs.get(link)).rejects.toThrow(/ELOOP/u);
  });

  it('leaves files that only their owner can read, and no temporary ones', async () => {
    const { folder, path } = await storeWith('abc');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(filesUnder(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('leaves no temporary file when writing fails', async () => {
    const { blobs, folder } = await storeWith('abc');
    const name = asDigest('cb8379ac2098aa165029e3938a51da0bcecfc008fd6795f401178647f96c5b34'); // SHA-256 of 'def'
    mkdirSync(join(folder, 'cb', name), { recursive: true });
    await expect(blobs.put(text('def'))).rejects.toThrow();
    expect(filesUnder(folder)).toHaveLength(1);
  });

  it('removes at the start what a crash left half-written, and nothing else', async () => {
    const { folder, blobs, kept, path } = await storeWith('abc');
    writeFileSync(`${path}.0.tmp`, 'ab');
    await removeStaleTemporaries(folder);
    expect(filesUnder(folder)).toEqual([kept]);
    expect(await blobs.get(kept)).toEqual(text('abc'));
  });

  it('opened to read only neither writes nor deletes', async () => {
    const { blobs, kept } = await storeWith('abc');
    const reader = readOnlyBlobs(blobs);
    await expect(reader.put(text('def'))).rejects.toThrow(InvariantError);
    await expect(reader.delete(kept)).rejects.toThrow(InvariantError);
    expect(await reader.get(kept)).toEqual(text('abc'));
  });
});
