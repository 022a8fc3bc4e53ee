import { describe, expect, it } from 'vitest';
import { verifyLedger } from '../../../server/audit/verify-ledger.ts';
import type { LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import { parseLedgerRow } from '../../../server/storage/ledger-row.ts';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { type SigningKey, signingKeyFromSeed } from '../../../shared/ed25519.ts';
import { originOf, signCheckpoint } from '../../../shared/ledger/checkpoint.ts';
import { entryHash, GENESIS } from '../../../shared/ledger/ledger-hash.ts';
import { MerkleTree } from '../../../shared/ledger/merkle-tree.ts';
import { isRefused } from '../../../shared/protocol/refusals.ts';
import * as facts from '../../support/federation-facts.ts';
import { fc } from '../../support/properties.ts';

const { federation } = facts;
const SEED = '1e'.repeat(32);

/** How many entries each transaction appended. */
const transactions = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 });
const runs = { numRuns: 40, seed: 20260306 };

/** Of each entry: the size that its transaction came to. */
const headsOf = (lengths: readonly number[]): number[] => {
  let size = 0;
  return lengths.flatMap((length) => {
    size += length;
    return Array.from({ length }, () => size);
  });
};

function eventOf(sequence: number, { publicKey: ledgerKey }: SigningKey): LedgerEvent {
  const configDigest = facts.digest(`configuration ${sequence}`);
  if (sequence > 1) return { type: 'federation-amended', configDigest };
  return { type: 'federation-founded', configDigest, model: facts.modelOf(0), ledgerKey };
}

/** A ledger whose entries name `heads`, with checkpoints of `sizes`, all of them by the ledger's own key: the outcome. */
async function verified(heads: readonly number[], sizes: readonly number[]): Promise<string> {
  const key = await signingKeyFromSeed(SEED);
  const tree = new MerkleTree();
  let previous = GENESIS;
  const entries = heads.map((head, index) => {
    const place = { sequence: index + 1, federation, at: '2026-03-01T12:00:00.123Z', previous, head };
    const text = canonicalJson({ ...eventOf(index + 1, key), ...place });
    previous = entryHash(text);
    tree.append(previous);
    return { text };
  });
  const signer = { origin: originOf(federation), publicKey: key.publicKey, sign: key.sign.bind(key) };
  const notes = sizes.map(async (size) => ({ note: await signCheckpoint({ size, root: tree.root(size) }, signer) }));
  const claim = { federation, entries, heads: await Promise.all(notes), parse: parseLedgerRow };
  const outcome = await verifyLedger(claim);
  if (!isRefused(outcome)) return outcome.kind;
  return /(entry|checkpoint of size) \d+$/.exec(outcome.refusal.message)?.[0] ?? outcome.refusal.message;
}

const sizesOf = (heads: readonly number[]): number[] => [...new Set(heads)];
const at = (index: number, list: readonly number[]): number => list[index % list.length] ?? NaN;

describe('the checkpoints of a ledger', () => {
  it('are one after each transaction, however many entries it appended', async () => {
    await fc.assert(
      fc.asyncProperty(transactions, async (lengths) => {
        const heads = headsOf(lengths);
        expect(await verified(heads, sizesOf(heads))).toBe('verified');
      }),
      runs,
    );
  });

  it('cannot be taken away, one or many, save that of the end with what it covers', async () => {
    await fc.assert(
      fc.asyncProperty(transactions, fc.nat(), fc.nat(), async (lengths, one, another) => {
        const heads = headsOf(lengths);
        const sizes = sizesOf(heads);
        const gone = [at(one, sizes), at(another, sizes)];
        const left = sizes.filter((size) => !gone.includes(size));
        const isOfEnd = gone.includes(heads.length);
        const expected = isOfEnd ? `entry ${(left.at(-1) ?? 0) + 1}` : `checkpoint of size ${Math.min(...gone)}`;
        expect(await verified(heads, left)).toBe(expected);
      }),
      runs,
    );
  });

  it('cannot be put between entries that were appended together, even by the ledger’s own key', async () => {
    await fc.assert(
      fc.asyncProperty(transactions, fc.nat(), async (lengths, inside) => {
        const heads = headsOf([...lengths, 3]);
        const sizes = sizesOf(heads);
        const between = heads.map((_, index) => index + 1).filter((size) => !sizes.includes(size));
        const put = at(inside, between);
        const before = Math.max(0, ...sizes.filter((size) => size < put));
        expect(
          await verified(
            heads,
            [...sizes, put].sort((a, b) => a - b),
          ),
        ).toBe(`entry ${before + 1}`);
      }),
      runs,
    );
  });

  it('are named by their entries: any other size is found', async () => {
    await fc.assert(
      fc.asyncProperty(transactions, fc.nat(), fc.integer({ min: -1, max: 40 }), async (lengths, index, other) => {
        const heads = headsOf(lengths);
        const sizes = sizesOf(heads);
        const changed = index % heads.length;
        fc.pre(heads[changed] !== other);
        const isSize = other > changed && other <= heads.length && !sizes.includes(other);
        const named = isSize ? `checkpoint of size ${other}` : `entry ${changed + 1}`;
        expect(await verified(heads.with(changed, other), sizes)).toBe(named);
      }),
      runs,
    );
  });
});
