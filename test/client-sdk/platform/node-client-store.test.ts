import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ClientStore, FitEntry, RoundEntry, Submission } from '../../../client-sdk/participation/client-store.ts';
import { nodeClientStore } from '../../../client-sdk/platform/node-client-store.ts';
import { privacyLedgerFile } from '../../../client-sdk/platform/privacy-ledger-file.ts';
import { makeSubmission } from '../../../client-sdk/submission/make-submission.ts';
import { signingKeyFromSeed } from '../../../shared/ed25519.ts';
import { asDigest, asFederationId, type FederationId } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { fakeTerms } from '../../support/fake-coordinator.ts';
import { roundsIn } from '../../support/privacy-ledgers.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const federation = asFederationId('a');
const neighbour = asFederationId('a-b');

async function submissionOf(of: FederationId, round: number): Promise<Submission> {
  const key = await signingKeyFromSeed('07'.repeat(32));
  const terms = { ...fakeTerms, federation: of, tensors: [{ name: 'bias', shape: [3] }] };
  const offer = { federation: of, round, baseModelDigest: asDigest('cd'.repeat(32)), deadlineMs: 1, checkpoint: '' };
  const checkpoint = { size: 7, root: asDigest('5e'.repeat(32)) };
  return await makeSubmission(Float32Array.of(round, 0.5, -2), { offer, terms, key, checkpoint });
}

const entry = (round: number, state: RoundEntry['state']): RoundEntry => ({
  federation,
  round,
  noiseMultiplier: 1.1,
  samplingRate: 0.1,
  steps: 10,
  state,
  client: null,
  dataset: null,
  examples: null,
});

const fit: FitEntry = {
  fit: 'f1'.repeat(16),
  noiseMultiplier: 0.9,
  samplingRate: 0.2,
  steps: 12,
  state: 'spent',
  dataset: 'ward 3',
  examples: null,
};

describe('nodeClientStore', () => {
  it('makes a key once, for its owner alone, and gives the same ever after', async () => {
    const folder = join(temporaryFolder(), 'new', 'folder');
    const store = await nodeClientStore(folder);
    const key = await store.privateKey();
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(await store.privateKey()).toBe(key);
    expect(await (await nodeClientStore(folder)).privateKey()).toBe(key);
    expect(await (await nodeClientStore(temporaryFolder())).privateKey()).not.toBe(key);
    expect(statSync(join(folder, 'key')).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('refuses to go on with a damaged key: a new one would be a new client that has forgotten what it spent', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'key'), 'not a key\n');
    const store = await nodeClientStore(folder);
    await expect(store.privateKey()).rejects.toThrow(InvariantError);
    expect(readFileSync(join(folder, 'key'), 'utf8')).toBe('not a key\n');
  });

  it('gives the ledger back entry for entry, empty where none was written', async () => {
    const folder = temporaryFolder();
    const store = await nodeClientStore(folder);
    expect(await store.privacyLedger()).toEqual([]);
    const entries = [entry(1, 'spent'), fit, entry(2, 'reserved')];
    await store.writePrivacyLedger(entries);
    expect(await (await nodeClientStore(folder)).privacyLedger()).toEqual(entries);
    expect(statSync(join(folder, 'privacy-ledger.json')).mode & 0o777).toBe(0o600);
  });

  it('reads a ledger of before data sets had names, as one of none', async () => {
    const folder = temporaryFolder();
    const { client: _, dataset: __, examples: ___, ...old } = entry(1, 'spent');
    writeFileSync(join(folder, 'privacy-ledger.json'), JSON.stringify([old]));
    expect(await (await nodeClientStore(folder)).privacyLedger()).toEqual([entry(1, 'spent')]);
  });

  it.each<[string, object]>([
    ['that names a client', { client: null }],
    ['that is a round too', { federation, round: 1 }],
    ['that is only reserved', { state: 'reserved' }],
    ['without an id', { fit: '' }],
  ])('takes no fit %s for an entry of the ledger', async (_, odd) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'privacy-ledger.json'), JSON.stringify([{ ...fit, ...odd }]));
    await expect((await nodeClientStore(folder)).privacyLedger()).rejects.toThrow();
  });

  it('keeps the privacy ledger in a folder that clients share, each with all else its own', async () => {
    const [shared, one, other] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    const stores = [await nodeClientStore(one, shared), await nodeClientStore(other, shared)];
    await stores[0]?.writePrivacyLedger([entry(1, 'spent')]);
    expect(await stores[1]?.privacyLedger()).toEqual([entry(1, 'spent')]);
    expect(await stores[1]?.privateKey()).not.toBe(await stores[0]?.privateKey());
    expect(readdirSync(one).toSorted()).toEqual(['key', 'submissions']);
    expect(readdirSync(shared).toSorted()).toEqual(['privacy-ledger.json', 'privacy-ledger.lock']);
  });

  it('lets one at a time change the ledger, in whichever store of whichever process', async () => {
    const [shared, one, other] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    const stores = [await nodeClientStore(one, shared), await nodeClientStore(other, shared)];
    const addRound = (store: ClientStore, round: number): Promise<void> =>
      store.withPrivacyLedger(async () => {
        const before = await store.privacyLedger();
        await store.writePrivacyLedger([...before, entry(round, 'spent')]);
      });
    await Promise.all(stores.flatMap((store, i) => [1, 2, 3].map((round) => addRound(store, 10 * i + round))));
    const rounds = roundsIn((await stores[0]?.privacyLedger()) ?? [])
      .map(({ round }) => round)
      .toSorted((a, b) => a - b);
    expect(rounds).toEqual([1, 2, 3, 11, 12, 13]);
  });

  it('goes on where what somebody did with the ledger failed, and clears away what it left half-written', async () => {
    const folder = temporaryFolder();
    const store = await nodeClientStore(folder);
    await expect(store.withPrivacyLedger(() => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full');
    writeFileSync(join(folder, 'privacy-ledger.json.0.tmp'), 'half');
    expect(await store.withPrivacyLedger(() => Promise.resolve('done'))).toBe('done');
    await nodeClientStore(folder);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('does nothing with a ledger that somebody else does not let go of, and says who', async () => {
    const folder = temporaryFolder();
    const store = await privacyLedgerFile(folder, 0);
    await store.withPrivacyLedger(async () => {
      await expect(store.withPrivacyLedger(() => Promise.reject(new Error('did it')))).rejects.toMatchObject({
        refusal: {
          code: 'folder-in-use',
          expected: `the privacy ledger in ${folder} free within 0 s`,
          found: `it is held by process ${process.pid} of ${hostname()}`,
          hint: expect.stringContaining('nothing was written'),
        },
      });
    });
  });

  it('gives back what a federation asked for at the first join', async () => {
    const folder = temporaryFolder();
    const store = await nodeClientStore(folder);
    expect(await store.acceptedTerms(federation)).toBeUndefined();
    const { training, privacy } = fakeTerms;
    await store.writeAcceptedTerms(federation, { training, privacy });
    expect(await (await nodeClientStore(folder)).acceptedTerms(federation)).toEqual({ training, privacy });
    expect(await store.acceptedTerms(neighbour)).toBeUndefined();
  });

  it.each<[string, string]>([
    ['[{', 'found no JSON'],
    ['', 'found no JSON'],
    ['{}', 'found something else'],
    ['[{"round":1}]', 'found neither as entry 0'],
    [JSON.stringify([fit, { ...fit, steps: -1 }]), 'found neither as entry 1'],
  ])(
    'does not take a damaged ledger (%s) for an empty one, and says which file it is and what to do',
    async (text, found) => {
      const folder = temporaryFolder();
      const path = join(folder, 'privacy-ledger.json');
      writeFileSync(path, text);
      const reading = (await nodeClientStore(folder)).privacyLedger();
      const words = ['is damaged', 'expected a list of', found, 'newest backup', 'is forgotten'];
      for (const part of [path, ...words]) await expect(reading).rejects.toThrow(part);
      expect(readFileSync(path, 'utf8')).toBe(text);
    },
  );

  it('gives the ledger memory back, each federation’s own', async () => {
    const folder = temporaryFolder();
    const store = await nodeClientStore(folder);
    expect(await store.ledgerMemory(federation)).toBeUndefined();
    const [one, two] = ['ab', 'cd'].map((byte) => ({
      ledgerKey: byte.repeat(32),
      checkpoint: `note ${byte}\n`,
      recovery: null,
      newestCommit: 4,
    }));
    if (!one || !two) throw new Error('expected two');
    await store.writeLedgerMemory(federation, one);
    await store.writeLedgerMemory(neighbour, two);
    const again = await nodeClientStore(folder);
    expect([await again.ledgerMemory(federation), await again.ledgerMemory(neighbour)]).toEqual([one, two]);
    expect(statSync(join(folder, 'ledger-a.json')).mode & 0o777).toBe(0o600);
  });

  const remembered = (newestCommit?: unknown): string =>
    JSON.stringify({ ledgerKey: 'ab'.repeat(32), checkpoint: 'note', recovery: null, newestCommit });

  it.each(['', '{}', '{"checkpoint":"note"}', remembered(), remembered(-1), remembered(0.5), remembered('4')])(
    'does not take a damaged ledger memory (%s) for none',
    async (text) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'ledger-a.json'), text);
      await expect((await nodeClientStore(folder)).ledgerMemory(federation)).rejects.toThrow();
    },
  );

  it('gives a submission back byte for byte, under its federation and round', async () => {
    const folder = temporaryFolder();
    const store = await nodeClientStore(folder);
    const written = await submissionOf(federation, 3);
    await store.writeSubmission(written);
    expect(await (await nodeClientStore(folder)).submission(federation, 3)).toEqual(written);
    expect(await store.submission(federation, 4)).toBeUndefined();
    expect(await store.submission(neighbour, 3)).toBeUndefined();
    const names = readdirSync(join(folder, 'submissions'));
    expect(names.map((name) => statSync(join(folder, 'submissions', name)).mode & 0o777)).toEqual([0o600, 0o600]);
  });

  it.each(['a.3.json', 'a.3.safetensors'])('has no submission where %s is missing', async (name) => {
    const folder = temporaryFolder();
    const store = await nodeClientStore(folder);
    await store.writeSubmission(await submissionOf(federation, 3));
    rmSync(join(folder, 'submissions', name));
    expect(await store.submission(federation, 3)).toBeUndefined();
  });

  it('writes the statement last, so that one that is there speaks of bytes that are there', async () => {
    const folder = temporaryFolder();
    const store = await nodeClientStore(folder);
    // Nothing can take the place of a folder that is not empty: the second of the two writes fails.
    mkdirSync(join(folder, 'submissions', 'a.3.json', 'in-the-way'), { recursive: true });
    await expect(store.writeSubmission(await submissionOf(federation, 3))).rejects.toThrow();
    expect(readdirSync(join(folder, 'submissions')).toSorted()).toEqual(['a.3.json', 'a.3.safetensors']);
  });

  it('drops the submissions of one federation but one round, and of no federation of a similar name', async () => {
    const folder = temporaryFolder();
    const store = await nodeClientStore(folder);
    for (const of of [federation, neighbour]) {
      for (const round of [1, 10, 11]) await store.writeSubmission(await submissionOf(of, round));
    }
    const kept = async (): Promise<readonly string[]> => {
      const names = [federation, neighbour].flatMap((of) => [1, 10, 11].map((round) => ({ of, round })));
      const there = await Promise.all(names.map(async ({ of, round }) => await store.submission(of, round)));
      return there.flatMap((each) => (each ? [`${each.envelope.federation} ${each.envelope.round}`] : []));
    };
    await store.dropSubmissionsExcept(federation, 1);
    expect(await kept()).toEqual(['a 1', 'a-b 1', 'a-b 10', 'a-b 11']);
    await store.dropSubmissionsExcept(federation, null);
    expect(await kept()).toEqual(['a-b 1', 'a-b 10', 'a-b 11']);
    expect(readdirSync(join(folder, 'submissions')).filter((name) => name.startsWith('a.'))).toEqual([]);
  });

  it('clears away, when opened, what a crash left half-written', async () => {
    const folder = temporaryFolder();
    await nodeClientStore(folder);
    writeFileSync(join(folder, 'privacy-ledger.json.1.tmp'), 'half');
    writeFileSync(join(folder, 'submissions', 'a.1.json.2.tmp'), 'half');
    await nodeClientStore(folder);
    expect([readdirSync(folder), readdirSync(join(folder, 'submissions'))]).toEqual([
      ['privacy-ledger.lock', 'submissions'],
      [],
    ]);
  });
});
