import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ledgerKeyIn, noSigner } from '../../../server/storage/ledger-key.ts';
import { signingKeyFromSeed, verifySignature } from '../../../shared/ed25519.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const fresh = { isFounded: false };
const pathIn = (dir: string): string => join(dir, 'ledger-key');
const bytes = new TextEncoder().encode('a checkpoint');

describe('the ledger key', () => {
  it('is made once, by chance, and only its owner can read it', async () => {
    const [path, other] = [pathIn(temporaryFolder()), pathIn(temporaryFolder())];
    const { publicKey } = await ledgerKeyIn(path, fresh);
    const kept = readFileSync(path, 'utf8');
    expect(kept).toMatch(/^[0-9a-f]{64}\n$/u);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await ledgerKeyIn(path, fresh)).publicKey).toBe(publicKey);
    expect((await ledgerKeyIn(path, { isFounded: true })).publicKey).toBe(publicKey);
    expect(readFileSync(path, 'utf8')).toBe(kept);
    expect((await ledgerKeyIn(other, fresh)).publicKey).not.toBe(publicKey);
  });

  it('signs under the public key that belongs to what is kept', async () => {
    const path = pathIn(temporaryFolder());
    const { publicKey, sign } = await ledgerKeyIn(path, fresh);
    expect(publicKey).toBe((await signingKeyFromSeed(readFileSync(path, 'utf8').trim())).publicKey);
    expect(await verifySignature(publicKey, await sign(bytes), bytes)).toBe(true);
  });

  it.each([
    ['empty', ''],
    ['cut short', `${'ab'.repeat(31)}\n`],
    ['too long', `${'ab'.repeat(33)}\n`],
    ['not hexadecimal', `${'xy'.repeat(32)}\n`],
    ['two keys', `${'ab'.repeat(32)}\n${'cd'.repeat(32)}\n`],
  ])('is a clear fault when its file is %s, and is not written anew', async (_, text) => {
    const path = pathIn(temporaryFolder());
    writeFileSync(path, text);
    const reading = ledgerKeyIn(path, fresh);
    await expect(reading).rejects.toThrow(InvariantError);
    await expect(reading).rejects.toThrow(`${path} holds no ledger key`);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('is not made anew under a federation that was founded with another', async () => {
    const dir = temporaryFolder();
    await expect(ledgerKeyIn(pathIn(dir), { isFounded: true })).rejects.toThrow(/missing: restore/u);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('is made whole where a crash left half of one beside it, readable to its owner alone', async () => {
    const dir = temporaryFolder();
    writeFileSync(`${pathIn(dir)}.tmp`, 'half of a key that is longer than a key would ever be'.repeat(3));
    chmodSync(`${pathIn(dir)}.tmp`, 0o644);
    await ledgerKeyIn(pathIn(dir), fresh);
    expect(readFileSync(pathIn(dir), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/u);
    expect(statSync(pathIn(dir)).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['ledger-key']);
  });

  it('is not there for whoever only reads', async () => {
    await expect(noSigner.sign(bytes)).rejects.toThrow(InvariantError);
  });
});
