// The Merkle tree over the leaf hashes of a ledger, with the proofs of RFC 6962, section 2.1. Hashes of complete subtrees
// are kept, level by level: an append costs two hashes on average, a root or a proof O(log n), also for every size that
// the tree has had.

import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, toHex } from '../bytes.ts';
import { asDigest, type Digest } from '../ids.ts';
import { InvariantError } from '../invariant-error.ts';
import { HashList } from './hash-list.ts';
import { nodeHash } from './ledger-hash.ts';

export class MerkleTree {
  /** `#levels[h]` holds the roots of all complete subtrees of 2^h leaves: floor(size / 2^h) of them. */
  readonly #levels: HashList[] = [];

  /** Leaves; below 2^32. */
  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  append(leaf: Digest): void {
    this.#push(0, fromHex(leaf));
  }

  /** Keeps the first `size` leaves. @throws InvariantError when there are fewer. */
  truncate(size: number): void {
    this.#requireSize(size);
    for (const [height, level] of this.#levels.entries()) level.truncate(Math.floor(size / 2 ** height));
  }

  /** MTH of the first `size` leaves; of none, SHA-256 of nothing. @throws InvariantError when there are fewer. */
  root(size: number = this.size): Digest {
    this.#requireSize(size);
    return digestOf(size === 0 ? sha256(new Uint8Array()) : this.#hash(0, size));
  }

  /**
   * PATH(index, D[size]) of section 2.1.1: what leads from a leaf to the root of the first `size` leaves, from the
   * bottom up. Indices count from 0. @throws InvariantError unless index < size <= leaves.
   */
  inclusionProof(index: number, size: number): Digest[] {
    this.#requireSize(size);
    if (!Number.isInteger(index) || index < 0 || index >= size) {
      throw new InvariantError(`expected the index of one of ${size} leaves, found ${index}`);
    }
    return this.#path(index, 0, size);
  }

  /**
   * PROOF(from, D[to]) of section 2.1.2: that the first `from` leaves are a beginning of the first `to`. Empty where
   * `from` is 0 or `to`. @throws InvariantError unless from <= to <= leaves.
   */
  consistencyProof(from: number, to: number): Digest[] {
    this.#requireSize(to);
    if (!Number.isInteger(from) || from < 0 || from > to) {
      throw new InvariantError(`expected a size of at most ${to}, found ${from}`);
    }
    return from === 0 ? [] : this.#subproof(from, 0, to);
  }

  #push(height: number, hash: Uint8Array): void {
    const level = (this.#levels[height] ??= new HashList());
    level.push(hash);
    const { length } = level;
    if (length % 2 === 0) this.#push(height + 1, nodeHash(level.at(length - 2), level.at(length - 1)));
  }

  /** MTH(D[start:end]), where `start` is a multiple of a power of two that is at least end - start, which is not 0. */
  #hash(start: number, end: number): Uint8Array {
    const leaves = end - start;
    const height = floorLog2(leaves);
    if (leaves === 2 ** height) return this.#completeSubtree(height, start / leaves);
    const middle = split(start, end);
    return nodeHash(this.#hash(start, middle), this.#hash(middle, end));
  }

  #completeSubtree(height: number, index: number): Uint8Array {
    const level = this.#levels[height];
    if (!level) throw new InvariantError(`the tree has no level ${height}`);
    return level.at(index);
  }

  /** PATH in D[start:end]. */
  #path(index: number, start: number, end: number): Digest[] {
    if (end - start === 1) return [];
    const middle = split(start, end);
    return index < middle
      ? [...this.#path(index, start, middle), digestOf(this.#hash(middle, end))]
      : [...this.#path(index, middle, end), digestOf(this.#hash(start, middle))];
  }

  /** SUBPROOF in D[start:end] for a first size of `from`. Its flag, that D[0:from] is known, is `start` being 0. */
  #subproof(from: number, start: number, end: number): Digest[] {
    if (from === end) return start === 0 ? [] : [digestOf(this.#hash(start, end))];
    const middle = split(start, end);
    return from <= middle
      ? [...this.#subproof(from, start, middle), digestOf(this.#hash(middle, end))]
      : [...this.#subproof(from, middle, end), digestOf(this.#hash(start, middle))];
  }

  #requireSize(size: number): void {
    if (Number.isInteger(size) && size >= 0 && size <= this.size) return;
    throw new InvariantError(`expected a size of at most ${this.size}, found ${size}`);
  }
}

const digestOf = (hash: Uint8Array): Digest => asDigest(toHex(hash));

const floorLog2 = (n: number): number => 31 - Math.clz32(n);

/** Where the RFC parts D[start:end]: the largest power of two below its length goes to the left. */
const split = (start: number, end: number): number => start + 2 ** floorLog2(end - start - 1);
