import { describe, expect, it } from 'vitest';
import { asDigest, type Digest } from '../../../shared/ids.ts';
import type { TreeHead } from '../../../shared/ledger/checkpoint.ts';
import {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from '../../../shared/ledger/merkle-proofs.ts';
import { MerkleTree } from '../../../shared/ledger/merkle-tree.ts';
import { below, leafOf, nodeOf, sidesOfConsistency, sidesOfInclusion } from './reference-tree.ts';
import { fc } from '../../support/properties.ts';

const LARGEST = 130;
const leaves = Array.from({ length: LARGEST }, (_, i) => leafOf(`row ${i}`));
const tree = new MerkleTree();
for (const leaf of leaves) tree.append(leaf);

const head = (size: number): TreeHead => ({ size, root: tree.root(size) });
const inclusion = (index: number, size: number): InclusionClaim => ({
  leaf: leaves[index] ?? leafOf(''),
  index,
  ...head(size),
  proof: tree.inclusionProof(index, size),
});
const consistency = (from: number, to: number): ConsistencyClaim => ({
  from: head(from),
  to: head(to),
  proof: tree.consistencyProof(from, to),
});

const size = fc.integer({ min: 1, max: LARGEST });
const included = fc.tuple(fc.nat(), size).map(([at, ofSize]) => inclusion(at % ofSize, ofSize));
/** From at least one leaf to more: neither size decides alone. */
const extended = fc
  .tuple(fc.nat(), fc.integer({ min: 2, max: LARGEST }))
  .map(([at, to]) => consistency(1 + (at % (to - 1)), to));

const flipped = (hash: string, bit: number): Digest => {
  const at = Math.floor(bit / 4) % hash.length;
  const digit = (Number.parseInt(hash.charAt(at), 16) ^ (1 << (bit % 4))).toString(16);
  return asDigest(hash.slice(0, at) + digit + hash.slice(at + 1));
};
/** Every proof that differs by one step: a bit flipped, one missing, one more. */
function damagedProofs(proof: readonly string[], bit: number): readonly (readonly string[])[] {
  return [
    ...proof.map((step, at) => proof.with(at, flipped(step, bit))),
    ...proof.map((_, at) => proof.toSpliced(at, 1)),
    ...[...proof, ''].map((_, at) => proof.toSpliced(at, 0, leafOf('one more'))),
    ...[...proof, ''].map((_, at) => proof.toSpliced(at, 0, ...proof.slice(at, at + 1), leafOf('one more'))),
    ...proof.slice(1).map((step, at) => proof.with(at, step).with(at + 1, proof[at] ?? '')),
  ];
}
const notCounts = [-1, 0.5, NaN, Infinity, -Infinity, 2 ** 53, 1e300];
/** A text that no guard has seen, where the types ask for a digest. */
const unguarded = (text: string): Digest => {
  const parsed: Digest = JSON.parse(JSON.stringify(text));
  return parsed;
};

describe('a proof of inclusion', () => {
  it('verifies for every leaf of every size', () => {
    for (let ofSize = 1; ofSize <= 70; ofSize++) {
      for (let index = 0; index < ofSize; index++) expect(verifyInclusion(inclusion(index, ofSize))).toBe(true);
    }
  });

  it('fails with any bit or step of it, of the leaf or of the root changed', () => {
    fc.assert(
      fc.property(included, fc.nat({ max: 255 }), (claim, bit) => {
        const damaged = [
          ...damagedProofs(claim.proof, bit).map((proof) => ({ ...claim, proof })),
          { ...claim, leaf: flipped(claim.leaf, bit) },
          { ...claim, root: flipped(claim.root, bit) },
        ];
        expect(damaged.filter(verifyInclusion)).toEqual([]);
      }),
    );
  });

  it('fails at every other index', () => {
    fc.assert(
      fc.property(included, (claim) => {
        const others = [...leaves, ''].map((_, index) => ({ ...claim, index })).filter((c) => c.index !== claim.index);
        expect(others.filter(verifyInclusion)).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it('fails in every other size, with the root of that size or, where the path turns otherwise, with its own', () => {
    fc.assert(
      fc.property(included, size, (claim, other) => {
        fc.pre(other !== claim.size);
        expect(verifyInclusion({ ...claim, ...head(other) })).toBe(false);
        const sameTurns =
          claim.index < other && sidesOfInclusion(claim.index, other) === sidesOfInclusion(claim.index, claim.size);
        expect(verifyInclusion({ ...claim, size: other })).toBe(sameTurns);
      }),
      { numRuns: 500 },
    );
  });

  it('fails, and never throws, with an index or a size that counts nothing', () => {
    const claim = inclusion(0, 1);
    expect(verifyInclusion(claim)).toBe(true);
    expect(notCounts.filter((index) => verifyInclusion({ ...claim, index }))).toEqual([]);
    expect(verifyInclusion({ ...inclusion(0, 2), size: 2.5 })).toBe(false);
    expect([0, ...notCounts].filter((ofSize) => verifyInclusion({ ...claim, size: ofSize }))).toEqual([]);
  });

  it('fails with hashes in another writing than lower-case hexadecimal', () => {
    const claim = inclusion(3, 7);
    const [first = '', ...rest] = claim.proof;
    const written = [first.toUpperCase(), `${first}00`, first.slice(2), `0x${first}`, `${first}\n`, ''];
    expect(written.filter((step) => verifyInclusion({ ...claim, proof: [step, ...rest] }))).toEqual([]);
    expect(verifyInclusion({ ...claim, leaf: unguarded(claim.leaf.toUpperCase()) })).toBe(false);
    expect(verifyInclusion({ ...claim, root: unguarded(claim.root.toUpperCase()) })).toBe(false);
  });
});

describe('a proof of consistency', () => {
  it('verifies between every two sizes, the empty tree’s among them', () => {
    for (let to = 0; to <= 70; to++) {
      for (let from = 0; from <= to; from++) expect(verifyConsistency(consistency(from, to))).toBe(true);
    }
  });

  it('fails with any bit or step of it or of either root changed', () => {
    fc.assert(
      fc.property(extended, fc.nat({ max: 255 }), ({ from, to, proof }, bit) => {
        const damaged = [
          ...damagedProofs(proof, bit).map((other) => ({ from, to, proof: other })),
          { from: { ...from, root: flipped(from.root, bit) }, to, proof },
          { from, to: { ...to, root: flipped(to.root, bit) }, proof },
          { from, to, proof: [] },
        ];
        expect(damaged.filter(verifyConsistency)).toEqual([]);
      }),
    );
  });

  it('fails from every other size', () => {
    fc.assert(
      fc.property(extended, ({ from, to, proof }) => {
        const others = leaves.map((_, other) => other).filter((other) => other !== from.size);
        const wrong = others.flatMap((other) => [{ ...from, size: other }, head(other)]);
        expect(wrong.filter((other) => verifyConsistency({ from: other, to, proof }))).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it('fails to every other size, with the root of that size or, where the path turns otherwise, with its own', () => {
    fc.assert(
      fc.property(extended, size, ({ from, to, proof }, other) => {
        fc.pre(other !== to.size);
        expect(verifyConsistency({ from, to: head(other), proof })).toBe(false);
        const turns = sidesOfConsistency(from.size, to.size);
        const sameTurns = other > from.size && sidesOfConsistency(from.size, other) === turns;
        expect(verifyConsistency({ from, to: { ...to, size: other }, proof })).toBe(sameTurns);
      }),
      { numRuns: 500 },
    );
  });

  it('fails from a rewritten history, whatever entry was rewritten', () => {
    fc.assert(
      fc.property(extended, fc.nat(), ({ from, to }, at) => {
        const rewritten = new MerkleTree();
        for (const [i, leaf] of leaves.slice(0, to.size).entries()) {
          rewritten.append(i === at % from.size ? leafOf('rewritten') : leaf);
        }
        const proof = rewritten.consistencyProof(from.size, to.size);
        expect(verifyConsistency({ from, to: { ...to, root: rewritten.root() }, proof })).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('is empty between equal sizes and from nothing; equal sizes need equal roots', () => {
    const [five, other] = [head(5), head(6).root];
    expect(verifyConsistency({ from: five, to: { ...five, root: other }, proof: [] })).toBe(false);
    expect(verifyConsistency({ from: five, to: five, proof: [five.root] })).toBe(false);
    expect(verifyConsistency({ from: { size: 0, root: other }, to: five, proof: [] })).toBe(true);
    expect(verifyConsistency({ from: head(0), to: five, proof: [five.root] })).toBe(false);
    expect(verifyConsistency({ from: { size: 0, root: other }, to: head(0), proof: [] })).toBe(false);
  });

  it('fails backwards', () => {
    fc.assert(
      fc.property(extended, ({ from, to, proof }) => {
        expect(verifyConsistency({ from: to, to: from, proof })).toBe(false);
        expect(verifyConsistency({ from: to, to: from, proof: [] })).toBe(false);
      }),
    );
  });

  it('fails, and never throws, with a size that counts nothing', () => {
    const { from, to, proof } = consistency(4, 7);
    const wrong = notCounts.flatMap((other) => [
      { from: { ...from, size: other }, to, proof },
      { from, to: { ...to, size: other }, proof },
      { from: { ...from, size: other }, to: { ...from, size: other }, proof: [] },
    ]);
    expect(wrong.filter(verifyConsistency)).toEqual([]);
  });

  it('fails with hashes in another writing than lower-case hexadecimal', () => {
    const claim = consistency(6, 7);
    const shouted = claim.proof.map((step, at) => claim.proof.with(at, step.toUpperCase()));
    expect(shouted).toHaveLength(3);
    expect(shouted.filter((proof) => verifyConsistency({ ...claim, proof }))).toEqual([]);
    const nonsense = { size: 3, root: unguarded('zz') };
    expect(verifyConsistency({ from: nonsense, to: nonsense, proof: [] })).toBe(false);
    expect(verifyConsistency({ from: { ...nonsense, size: 0 }, to: head(3), proof: [] })).toBe(false);
    expect(verifyConsistency({ from: head(0), to: nonsense, proof: [] })).toBe(false);
  });
});

describe('a hostile proof', () => {
  it('of any length and any texts is false, and never a throw', () => {
    const step = fc.oneof(
      fc.string({ maxLength: 70 }),
      fc.constantFrom(...leaves, tree.root(64), tree.root(128)).map(String),
    );
    const count = fc.oneof(fc.nat({ max: 140 }), fc.double(), fc.maxSafeInteger());
    fc.assert(
      fc.property(count, count, fc.array(step, { maxLength: 60 }), (a, b, proof) => {
        const [root, forged] = [leafOf('forged'), leafOf('another')];
        expect(verifyInclusion({ leaf: forged, index: a, size: b, proof, root })).toBe(false);
        const ofNothing = a === 0 && b > 0 && Number.isSafeInteger(b) && proof.length === 0;
        expect(verifyConsistency({ from: { size: a, root: forged }, to: { size: b, root }, proof })).toBe(ofNothing);
      }),
      { numRuns: 500 },
    );
  });

  it('is read no further than the tree is high', () => {
    let read = 0;
    const endless = new Proxy(
      Array.from(Array(1000).keys(), () => alike),
      {
        get: (target, property, receiver): unknown => {
          if (typeof property === 'string' && /^\d+$/.test(property)) read += 1;
          return Reflect.get(target, property, receiver);
        },
      },
    );
    const largest = Number.MAX_SAFE_INTEGER;
    expect(verifyInclusion({ leaf: leafOf(''), index: 5, size: largest, proof: endless, root: leafOf('') })).toBe(
      false,
    );
    expect(read).toBeLessThan(60);
  });
});

/** Of a tree whose leaves are all alike, so that a tree of any size has few different nodes. */
const alike = leafOf('alike');
const rootsOfAlike = new Map([[1, alike]]);
function rootOfAlike(leafCount: number): Digest {
  const k = leafCount === 1 ? 1 : below(leafCount);
  const root = rootsOfAlike.get(leafCount) ?? nodeOf(rootOfAlike(k), rootOfAlike(leafCount - k));
  rootsOfAlike.set(leafCount, root);
  return root;
}
function pathOfAlike(index: number, leafCount: number): Digest[] {
  if (leafCount === 1) return [];
  const k = below(leafCount);
  return index < k
    ? [...pathOfAlike(index, k), rootOfAlike(leafCount - k)]
    : [...pathOfAlike(index - k, leafCount - k), rootOfAlike(k)];
}
function proofOfAlike(from: number, to: number, known: boolean): Digest[] {
  if (from === to) return known ? [] : [rootOfAlike(to)];
  const k = below(to);
  return from <= k
    ? [...proofOfAlike(from, k, known), rootOfAlike(to - k)]
    : [...proofOfAlike(from - k, to - k, false), rootOfAlike(k)];
}

describe('a proof in a tree beyond 2^32 leaves', () => {
  const large = fc.integer({ min: 2 ** 32, max: Number.MAX_SAFE_INTEGER });

  it('verifies as in a small one', () => {
    fc.assert(
      fc.property(large, fc.maxSafeNat(), (ofSize, at) => {
        const index = at % ofSize;
        const proof = pathOfAlike(index, ofSize);
        expect(verifyInclusion({ leaf: alike, index, size: ofSize, proof, root: rootOfAlike(ofSize) })).toBe(true);
        const from = { size: index + 1, root: rootOfAlike(index + 1) };
        const to = { size: ofSize, root: rootOfAlike(ofSize) };
        expect(verifyConsistency({ from, to, proof: proofOfAlike(from.size, ofSize, true) })).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});
