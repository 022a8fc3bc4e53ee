import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rotateKey } from '../../../client-sdk/index.ts';
import { lockClientFolder } from '../../../client-sdk/platform/client-folder-lock.ts';
import { nodeClientStore } from '../../../client-sdk/platform/node-client-store.ts';
import { signingKeyFromSeed } from '../../../shared/ed25519.ts';
import { asClientId, asFederationId } from '../../../shared/ids.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const federation = asFederationId('study');
const memory = { ledgerKey: 'ab'.repeat(32), checkpoint: 'a note', recovery: null, newestCommit: 3 };

/** A client that has spent, has seen a checkpoint and has an update lying there. */
async function usedFolder(): Promise<{ folder: string; seed: string; id: string }> {
  const folder = temporaryFolder();
  const store = await nodeClientStore(folder);
  const seed = await store.privateKey();
  const event = { noiseMultiplier: 1, samplingRate: 0.1, steps: 4 };
  const entry = {
    federation,
    round: 1,
    ...event,
    state: 'spent',
    client: null,
    dataset: null,
    examples: null,
  } as const;
  await store.writePrivacyLedger([entry]);
  await store.writeLedgerMemory(federation, memory);
  writeFileSync(join(folder, 'submissions', 'study.1.json'), 'signed by the old key');
  return { folder, seed, id: (await signingKeyFromSeed(seed)).clientId };
}

const clientIn = async (folder: string): Promise<string> =>
  (await signingKeyFromSeed(await (await nodeClientStore(folder)).privateKey())).clientId;

describe('rotateKey', () => {
  it('puts a fresh key in the place of the old one, which is kept for its owner under its client’s name', async () => {
    const { folder, seed, id } = await usedFolder();
    const rotated = await rotateKey(folder);
    const fresh = await (await nodeClientStore(folder)).privateKey();
    expect(rotated).toBe((await signingKeyFromSeed(fresh)).clientId);
    expect(fresh).not.toBe(seed);
    const kept = join(folder, `key.${id.slice(0, 12)}`);
    expect(readFileSync(kept, 'utf8')).toBe(`${seed}\n`);
    expect([statSync(kept).mode & 0o777, statSync(join(folder, 'key')).mode & 0o777]).toEqual([0o600, 0o600]);
  });

  it('keeps what was spent and the history seen, and drops what the old key has signed', async () => {
    const { folder } = await usedFolder();
    await rotateKey(folder);
    const store = await nodeClientStore(folder);
    expect(await store.privacyLedger()).toMatchObject([{ round: 1, state: 'spent' }]);
    expect(await store.ledgerMemory(federation)).toEqual(memory);
    expect(readdirSync(join(folder, 'submissions'))).toEqual([]);
  });

  it('frees what the old key had reserved and will never send, also in a ledger that others share', async () => {
    const { folder, id } = await usedFolder();
    const shared = temporaryFolder();
    for (const ledgerFolder of [folder, shared]) {
      const store = await nodeClientStore(folder, ledgerFolder);
      const client = asClientId(ledgerFolder === folder ? id : await clientIn(folder));
      const event = { noiseMultiplier: 1, samplingRate: 0.1, steps: 4 };
      const ours = {
        federation,
        round: 2,
        ...event,
        state: 'reserved',
        client,
        dataset: null,
        examples: null,
      } as const;
      const others = { ...ours, client: asClientId('0e'.repeat(32)) };
      await store.writePrivacyLedger([{ ...ours, round: 1, state: 'spent' }, ours, others]);
      await rotateKey(folder, ledgerFolder);
      expect(await store.privacyLedger()).toEqual([{ ...ours, round: 1, state: 'spent' }, others]);
    }
  });

  it('is refused while a client uses the folder, and leaves everything as it was', async () => {
    const { folder, seed } = await usedFolder();
    const lock = accepted(await lockClientFolder(folder));
    await expect(rotateKey(folder)).rejects.toMatchObject({ refusal: { code: 'folder-in-use' } });
    expect(readFileSync(join(folder, 'key'), 'utf8')).toBe(`${seed}\n`);
    await lock.release();
    await rotateKey(folder);
    await rotateKey(folder);
    expect(readdirSync(folder).filter((name) => name.startsWith('key'))).toHaveLength(3);
  });

  it('is refused where there is no key, and gives the folder back', async () => {
    const { folder } = await usedFolder();
    rmSync(join(folder, 'key'));
    await expect(rotateKey(folder)).rejects.toMatchObject({ refusal: { code: 'not-enrolled' } });
    await (await nodeClientStore(folder)).privateKey();
    await rotateKey(folder);
  });

  it('does not lose a damaged key', async () => {
    const { folder } = await usedFolder();
    writeFileSync(join(folder, 'key'), 'damaged\n');
    await expect(rotateKey(folder)).rejects.toThrow('holds no private key');
    expect(readFileSync(join(folder, 'key'), 'utf8')).toBe('damaged\n');
  });
});
