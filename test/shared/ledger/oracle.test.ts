import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { signingKeyFromSeed } from '../../../shared/ed25519.ts';
import { asDigest } from '../../../shared/ids.ts';
import { openCheckpoint, signCheckpoint, type TreeHead } from '../../../shared/ledger/checkpoint.ts';
import { entryHash } from '../../../shared/ledger/ledger-hash.ts';
import { verifyConsistency, verifyInclusion } from '../../../shared/ledger/merkle-proofs.ts';
import { MerkleTree } from '../../../shared/ledger/merkle-tree.ts';

const digest = z.string().transform(asDigest);
const pinned = z
  .strictObject({
    rows: z.array(z.string()),
    leaves: z.array(digest),
    roots: z.array(digest),
    inclusion: z.array(z.strictObject({ index: z.number(), size: z.number(), proof: z.array(digest) })),
    consistency: z.array(z.strictObject({ from: z.number(), to: z.number(), proof: z.array(digest) })),
    checkpoint: z.strictObject({
      seed: z.string(),
      publicKey: z.string(),
      origin: z.string(),
      size: z.number(),
      note: z.string(),
    }),
  })
  .parse(JSON.parse(readFileSync(new URL('../../oracles/merkle.json', import.meta.url), 'utf8')));

const tree = new MerkleTree();
for (const row of pinned.rows) tree.append(entryHash(row));
const head = (size: number): TreeHead => ({ size, root: pinned.roots[size] ?? asDigest('') });

describe('the ledger of another implementation (test/oracles/merkle.py)', () => {
  it('has the same leaves and roots', () => {
    expect(pinned.rows.map(entryHash)).toEqual(pinned.leaves);
    expect(pinned.roots.map((_, size) => tree.root(size))).toEqual(pinned.roots);
  });

  it('has the same proofs of inclusion, and they verify', () => {
    for (const { index, size, proof } of pinned.inclusion) {
      expect(tree.inclusionProof(index, size)).toEqual(proof);
      expect(verifyInclusion({ leaf: pinned.leaves[index] ?? asDigest(''), index, proof, ...head(size) })).toBe(true);
    }
  });

  it('has the same proofs of consistency, and they verify', () => {
    for (const { from, to, proof } of pinned.consistency) {
      expect(tree.consistencyProof(from, to)).toEqual(proof);
      expect(verifyConsistency({ from: head(from), to: head(to), proof })).toBe(true);
    }
  });

  it('signs the same checkpoint, to the letter', async () => {
    const { seed, origin, publicKey, size, note } = pinned.checkpoint;
    expect(await signCheckpoint(head(size), { origin, ...(await signingKeyFromSeed(seed)) })).toBe(note);
    expect(await openCheckpoint(note, { origin, publicKey })).toEqual({ kind: 'checkpoint', ...head(size), note });
  });
});
