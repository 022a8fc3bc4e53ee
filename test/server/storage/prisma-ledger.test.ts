import { describe, expect, it } from 'vitest';
import type { FederationStores } from '../../../server/storage/federation-stores.ts';
import { verifyConsistency, verifyInclusion } from '../../../shared/ledger/merkle-proofs.ts';
import { openFolder } from '../../support/data-folders.ts';
import * as facts from '../../support/federation-facts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { fc } from '../../support/properties.ts';

const { federation } = facts;
const amendment = { type: 'federation-amended', configDigest: facts.digest('x') } as const;

async function withRound(): Promise<FederationStores> {
  const stores = (await openFolder(temporaryFolder())).storeOf(federation);
  await facts.foundWithClients(stores);
  await facts.runRound(stores, 1);
  return stores;
}

describe('the ledger’s proofs', () => {
  it('show every entry under every head, and every head to extend those before it', async () => {
    const { ledger } = await withRound();
    const [rows, heads] = [await ledger.rows(), await ledger.heads()];
    for (const to of heads) {
      for (const { sequence, hash: leaf } of rows.slice(0, to.size)) {
        const proof = await ledger.inclusionProof(sequence, to.size);
        expect(verifyInclusion({ leaf, index: sequence - 1, ...to, proof })).toBe(true);
      }
      for (const from of heads.filter(({ size }) => size <= to.size)) {
        const proof = await ledger.consistencyProof(from.size, to.size);
        expect(verifyConsistency({ from, to, proof })).toBe(true);
      }
    }
  });

  it('do not exist beyond what was written', async () => {
    const { ledger } = await withRound();
    const { size } = (await ledger.newest()) ?? { size: NaN };
    await expect(ledger.inclusionProof(size + 1, size)).rejects.toThrow();
    await expect(ledger.inclusionProof(1, size + 1)).rejects.toThrow(/damaged/u);
    await expect(ledger.consistencyProof(size, size + 1)).rejects.toThrow(/damaged/u);
  });

  it('hold while others append: what was asked for first does not matter', async () => {
    const { ledger } = await withRound();
    const head = await ledger.newest();
    const [first] = await ledger.rows();
    if (!head || !first) throw new Error('expected a head and an entry');
    const acts = Array.from({ length: 10 }, async (_, i) => {
      if (i % 2 === 0) return await ledger.append(amendment);
      const proof = await ledger.inclusionProof(1, head.size);
      expect(verifyInclusion({ leaf: first.hash, index: 0, ...head, proof })).toBe(true);
    });
    await Promise.all(acts);
  });
});

describe('the ledger’s heads', () => {
  it('are found by their size, and only those that were signed', async () => {
    const { ledger } = await withRound();
    const heads = new Map((await ledger.heads()).map((head) => [head.size, head]));
    const sizes = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.maxSafeNat());
    await fc.assert(
      fc.asyncProperty(sizes, async (size) => {
        expect(await ledger.headAt(size)).toEqual(heads.get(size));
      }),
      // 2^53 - 1 and what passes 31 and 32 bits: a peer names the size.
      { numRuns: 40, seed: 5, examples: [[Number.MAX_SAFE_INTEGER], [2 ** 31], [2 ** 32 + 1]] },
    );
  });

  it('are none before the federation is founded', async () => {
    const { ledger } = (await openFolder(temporaryFolder())).storeOf(federation);
    expect([await ledger.newest(), await ledger.heads(), await ledger.headAt(0)]).toEqual([undefined, [], undefined]);
  });
});

describe('the ledger’s entries', () => {
  it('are found by kind and round, the last of them', async () => {
    const stores = await withRound();
    const { ledger } = stores;
    const [last] = (await ledger.rows()).slice(-1);
    await facts.runRound(stores, 2);
    const [newest] = (await ledger.rows()).slice(-1);
    expect(await ledger.lastOf('round-committed', 1)).toEqual(last);
    expect(await ledger.lastOf('round-committed', 2)).toEqual(newest);
    expect(await ledger.lastOf('round-committed')).toEqual(newest);
    expect(await ledger.lastOf('round-committed', 3)).toBeUndefined();
    expect(await ledger.lastOf('ledger-recovered')).toBeUndefined();
  });

  it('are told by round', async () => {
    const stores = await withRound();
    await facts.runRound(stores, 2);
    const all = await stores.ledger.entries();
    const ofRound = all.filter(({ event }) => 'round' in event && event.round === 2);
    expect(ofRound.length).toBeGreaterThan(0);
    expect(await stores.ledger.entriesOfRound(2)).toEqual(ofRound);
  });
});

describe('a disputed checkpoint', () => {
  it('is recorded once for each client, however many come at once', async () => {
    const { ledger } = await withRound();
    const [anna, ben] = [facts.clientAt(0), facts.clientAt(1)];
    await Promise.all([anna, anna, ben, anna, ben].map((client) => ledger.dispute(client, `held by ${client}`)));
    const disputed = (await ledger.entries()).flatMap(({ event }) =>
      event.type === 'checkpoint-disputed' ? [[event.client, event.checkpoint]] : [],
    );
    expect(disputed).toEqual([
      [anna, `held by ${anna}`],
      [ben, `held by ${ben}`],
    ]);
  });
});
