import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDataFolder } from '../../../server/storage/data-folder.ts';
import type { FederationStores } from '../../../server/storage/federation-stores.ts';
import { signingKeyFromSeed } from '../../../shared/ed25519.ts';
import { seededRandomSource, uniformInteger } from '../../../shared/random-source.ts';
import { built } from '../../support/built.ts';
import { openFolder, readFolder } from '../../support/data-folders.ts';
import { clientIds, digest, federation, record } from '../../support/federation-facts.ts';
import { expectSoundLedger } from '../../support/sound-ledger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const KILLS = 3;
const SEED = 20260301;

function startWriter(dir: string): ChildProcess {
  const child = spawn(process.execPath, [built('test/support/storage-child.ts'), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Kills the child in the middle of whatever it does after its `count`-th acknowledgement; answers all it gave. */
async function killAfter(child: ChildProcess, count: number): Promise<string[]> {
  const lines: string[] = [];
  if (child.stdout === null) throw new Error('expected a pipe');
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (lines.length === count) child.kill('SIGKILL');
  }
  if (child.signalCode === null && child.exitCode === null) await once(child, 'exit');
  return lines;
}

const publicKeyIn = async (dir: string): Promise<string> =>
  (await signingKeyFromSeed(readFileSync(join(dir, 'ledger-key'), 'utf8').trim())).publicKey;

/** `ledgerKey`: what its checkpoints are signed with. */
async function expectConsistent(stores: FederationStores, ledgerKey: string): Promise<void> {
  const entries = await stores.ledger.entries();
  expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, index) => index + 1));
  if (entries.length > 0) await expectSoundLedger(stores.ledger, ledgerKey);
  const rounds = await stores.rounds.records();
  const versions = await stores.models.versions();
  const announced = entries.flatMap(({ event }) =>
    event.type === 'update-announced' ? [event.envelope.updateDigest] : [],
  );
  expect(versions.length).toBe(rounds.length + 1);
  expect(entries.filter(({ event }) => event.type === 'round-committed')).toHaveLength(rounds.length);
  expect(entries.filter(({ event }) => event.type === 'verdict')).toHaveLength(rounds.length * clientIds.length);
  expect(await stores.charges.charges()).toHaveLength(announced.length);
}

describe('a data folder whose owner is killed', () => {
  it(`keeps every acknowledged write, whole transitions only, and is free at once (seed ${SEED})`, async () => {
    const dir = temporaryFolder();
    const random = seededRandomSource(SEED, 'kills');
    const acknowledged: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      acknowledged.push(...(await killAfter(startWriter(dir), 2 + uniformInteger(random, 20))));
      const reader = await readFolder(dir);
      await expectConsistent(reader.storeOf(federation), await publicKeyIn(dir));
      await reader.close();

      const folder = await openFolder(dir);
      const stores = folder.storeOf(federation);
      await expectConsistent(stores, stores.ledger.publicKey);
      for (const line of acknowledged) {
        const [round = '', what = ''] = line.split(' ');
        if (what === 'committed') expect(await stores.rounds.record(Number(round))).toEqual(record(Number(round)));
        else expect(await folder.blobs.has(digest(`update ${line}`))).toBe(true);
      }
      const announcements = acknowledged.filter((line) => !line.endsWith('committed')).length;
      expect((await stores.charges.charges()).length).toBeGreaterThanOrEqual(announcements);
      await folder.close();
    }
    expect(acknowledged.length).toBeGreaterThan(KILLS);
  });

  it('is refused to others by the name of its owner, but not to readers, while the owner lives', async () => {
    const dir = temporaryFolder();
    const child = startWriter(dir);
    if (child.stdout === null) throw new Error('expected a pipe');
    await once(child.stdout, 'data');
    const outcome = await openDataFolder(dir);
    expect(outcome).toMatchObject({ kind: 'refused', refusal: { code: 'folder-in-use' } });
    expect(JSON.stringify(outcome)).toContain(`process ${child.pid} on`);

    const reader = await readFolder(dir);
    const stores = reader.storeOf(federation);
    const seen: number[] = [];
    // Each look finds whole transitions, and all that the look before it found.
    while ((seen.at(-1) ?? 0) < 60) {
      await expectLedgerGapless(stores, seen);
      await new Promise(setImmediate);
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await openFolder(dir)).close();
  });

  it('has one ledger key for good, whenever it was killed', async () => {
    const dir = temporaryFolder();
    await killAfter(startWriter(dir), 1);
    const key = await publicKeyIn(dir);
    await killAfter(startWriter(dir), 1);
    expect(await publicKeyIn(dir)).toBe(key);
  });
});

async function expectLedgerGapless(stores: FederationStores, seen: number[]): Promise<void> {
  const entries = await stores.ledger.entries();
  expect(entries.at(-1)?.sequence ?? 0).toBe(entries.length);
  seen.push(entries.length);
}
