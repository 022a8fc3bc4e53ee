import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { entryHash } from '../../../shared/ledger/ledger-hash.ts';
import { MerkleTree } from '../../../shared/ledger/merkle-tree.ts';
import { leafOf, rootOf } from './reference-tree.ts';
import { fc } from '../../support/properties.ts';

const leaves = Array.from({ length: 200 }, (_, i) => leafOf(`row ${i}`));

function treeOf(ofLeaves: readonly Digest[]): MerkleTree {
  const tree = new MerkleTree();
  for (const leaf of ofLeaves) tree.append(leaf);
  return tree;
}

const proofs = (tree: MerkleTree): readonly (readonly Digest[])[] =>
  Array.from({ length: tree.size }, (_, i) => [
    ...tree.inclusionProof(i, tree.size),
    ...tree.consistencyProof(i, tree.size),
  ]);

describe('a Merkle tree', () => {
  it('has at every size the root of the recursive definition, and keeps it as it grows', () => {
    const tree = new MerkleTree();
    const roots = leaves.map((leaf, i) => {
      tree.append(leaf);
      expect(tree.size).toBe(i + 1);
      return tree.root();
    });
    expect(roots).toEqual(leaves.map((_, i) => rootOf(leaves.slice(0, i + 1))));
    expect(leaves.map((_, i) => tree.root(i + 1))).toEqual(roots);
  });

  it('proves of an earlier size what it proved then', () => {
    const size = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(size, fc.nat({ max: 60 }), fc.nat(), (then, more, at) => {
        const earlier = treeOf(leaves.slice(0, then));
        const tree = treeOf(leaves.slice(0, then + more));
        const index = at % then;
        expect(tree.inclusionProof(index, then)).toEqual(earlier.inclusionProof(index, then));
        expect(tree.consistencyProof(index, then)).toEqual(earlier.consistencyProof(index, then));
      }),
    );
  });

  it('that is truncated and grows again is the one built anew', () => {
    const length = fc.nat({ max: 70 });
    fc.assert(
      fc.property(length, length, length, (first, kept, more) => {
        const tree = treeOf(leaves.slice(0, first));
        const keep = Math.min(first, kept);
        tree.truncate(keep);
        expect([tree.size, tree.root()]).toEqual([keep, rootOf(leaves.slice(0, keep))]);
        const others = leaves.slice(100, 100 + more);
        for (const leaf of others) tree.append(leaf);
        const anew = treeOf([...leaves.slice(0, keep), ...others]);
        expect([tree.size, tree.root()]).toEqual([anew.size, anew.root()]);
        expect(proofs(tree)).toEqual(proofs(anew));
      }),
    );
  });

  it('has proofs no longer than it is high', () => {
    const tree = treeOf(leaves);
    const longest = Math.max(...leaves.map((_, i) => tree.inclusionProof(i, leaves.length).length));
    expect(longest).toBe(8);
    expect(Math.max(...leaves.map((_, i) => tree.consistencyProof(i, leaves.length).length))).toBeLessThanOrEqual(9);
  });

  it('proves nothing where nothing is to prove', () => {
    const tree = treeOf(leaves.slice(0, 9));
    expect(tree.inclusionProof(0, 1)).toEqual([]);
    expect([0, 1, 8, 9].map((size) => tree.consistencyProof(size, size))).toEqual([[], [], [], []]);
    expect(tree.consistencyProof(0, 9)).toEqual([]);
  });

  const tree = treeOf(leaves.slice(0, 6));
  it.each([
    ['a root of more leaves than it has', () => tree.root(7)],
    ['a root of a negative size', () => tree.root(-1)],
    ['a root of a broken size', () => tree.root(1.5)],
    ['a root of no number', () => tree.root(NaN)],
    ['inclusion in more leaves than it has', () => tree.inclusionProof(0, 7)],
    ['inclusion of the leaf after the last', () => tree.inclusionProof(5, 5)],
    ['inclusion of a negative index', () => tree.inclusionProof(-1, 5)],
    ['inclusion of a broken index', () => tree.inclusionProof(0.5, 5)],
    ['inclusion in the empty tree', () => tree.inclusionProof(0, 0)],
    ['consistency with more leaves than it has', () => tree.consistencyProof(1, 7)],
    ['consistency backwards', () => tree.consistencyProof(5, 4)],
    ['consistency from a negative size', () => tree.consistencyProof(-1, 4)],
    ['consistency from a broken size', () => tree.consistencyProof(1.5, 4)],
    ['truncation to more leaves than it has', () => tree.truncate(7)],
    ['truncation to a broken size', () => tree.truncate(5.5)],
    ['truncation to a negative size', () => tree.truncate(-1)],
  ])('has no answer to %s', (_, ask) => {
    expect(ask).toThrow(InvariantError);
    expect(ask).toThrow(/^expected (a size|the index)/);
    expect(tree.size).toBe(6);
  });
});

/** The test vectors of the certificate-transparency project (Go and C++, merkle tree tests) for RFC 6962. */
const published = {
  leaves: ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'],
  roots: [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ],
};
const leaf1 = '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7';
const leaf4 = 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b';
const [leaves23, leaves4To7, leaves67] = [
  '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
  '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
];
const leaves45 = '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a';
const root = (size: number): string | undefined => published.roots[size];

describe('the tree of the published test vectors', () => {
  const tree = treeOf(published.leaves.map((hex) => entryHash(Buffer.from(hex, 'hex').toString())));

  it('has the published roots', () => {
    expect(published.roots.map((_, size) => tree.root(size))).toEqual(published.roots);
  });

  it.each([
    [0, 1, []],
    [0, 8, [leaf1, leaves23, leaves4To7]],
    [5, 8, [leaf4, leaves67, root(4)]],
    [2, 3, [root(2)]],
    [1, 5, [root(1), leaves23, leaf4]],
  ])('has the published path of leaf %i in %i', (index, size, path) => {
    expect(tree.inclusionProof(index, size)).toEqual(path);
  });

  it.each([
    [1, 1, []],
    [1, 8, [leaf1, leaves23, leaves4To7]],
    [6, 8, [leaves45, leaves67, root(4)]],
    [2, 5, [leaves23, leaf4]],
  ])('has the published proof from %i to %i', (from, to, proof) => {
    expect(tree.consistencyProof(from, to)).toEqual(proof);
  });
});
