// Whether a proof of a Merkle tree holds, by the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2. All that comes in
// may be hostile: the answer to whatever is out of form or range is false, never a throw, and a proof is read no further
// than the tree is high. A size and its root have to come from one signed head: a root alone does not fix the size.

import { fromHex, toHex } from '../bytes.ts';
import { type Digest, isDigest } from '../ids.ts';
import type { TreeHead } from './checkpoint.ts';
import { nodeHash } from './ledger-hash.ts';

export interface InclusionClaim {
  readonly leaf: Digest;
  /** Counted from 0. */
  readonly index: number;
  /** Of the tree whose root is `root`. */
  readonly size: number;
  readonly proof: readonly string[];
  readonly root: Digest;
}

/** True when `leaf` is number `index` of the tree of that size and root. */
export function verifyInclusion({ leaf, index, size, proof, root }: InclusionClaim): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !isDigest(leaf)) return false;
  const top = climb({ from: { index, last: size - 1 }, proof, seed: leaf });
  return top !== undefined && toHex(top.all) === root;
}

export interface ConsistencyClaim {
  readonly from: TreeHead;
  readonly to: TreeHead;
  readonly proof: readonly string[];
}

/**
 * True when the tree of `from` is a beginning of that of `to`. The empty tree is a beginning of every other, whatever
 * root is given for it.
 */
export function verifyConsistency({ from, to, proof }: ConsistencyClaim): boolean {
  if (!isTreeHead(from) || !isTreeHead(to) || from.size > to.size) return false;
  if (from.size === to.size) return from.root === to.root && proof.length === 0;
  if (from.size === 0) return proof.length === 0;
  const position = firstLeftTurn({ index: from.size - 1, last: to.size - 1 });
  // At index 0 the first tree is one complete subtree of the second: its root begins the path and is left out of it.
  const [seed, ...rest] = position.index === 0 ? [from.root, ...proof] : proof;
  if (seed === undefined || !isDigest(seed)) return false;
  const top = climb({ from: position, proof: rest, seed });
  return top !== undefined && toHex(top.left) === from.root && toHex(top.all) === to.root;
}

/** A node and the last node of its level, both counted from 0: `fn` and `sn` of the RFC. */
interface Position {
  readonly index: number;
  readonly last: number;
}

interface Climb {
  readonly from: Position;
  readonly proof: readonly string[];
  readonly seed: Digest;
}

/**
 * From the seed to the root: `all` is hashed with every step of the proof (`r` and `sr` of the RFC), `left` with those
 * on its left alone (`fr`). Undefined unless the proof ends at the root.
 */
function climb({ from, proof, seed }: Climb): { readonly left: Uint8Array; readonly all: Uint8Array } | undefined {
  let position = from;
  let left: Uint8Array = fromHex(seed);
  let all = left;
  for (const step of proof) {
    if (position.last === 0 || !isDigest(step)) return undefined;
    const sibling = fromHex(step);
    if (isRightChild(position) || position.index === position.last) {
      left = nodeHash(sibling, left);
      all = nodeHash(sibling, all);
      position = firstSibling(position);
    } else {
      all = nodeHash(all, sibling);
    }
    position = parent(position);
  }
  return position.last === 0 ? { left, all } : undefined;
}

/** A last node without a sibling is its own parent, up to the level where it is a right child. */
function firstSibling(position: Position): Position {
  let at = position;
  while (!isRightChild(at) && at.index !== 0) at = parent(at);
  return at;
}

function firstLeftTurn(position: Position): Position {
  let at = position;
  while (isRightChild(at)) at = parent(at);
  return at;
}

// Sizes go up to 2^53: bit operations would cut them to 32 bits.
const isRightChild = ({ index }: Position): boolean => index % 2 === 1;
const parent = ({ index, last }: Position): Position => ({ index: Math.floor(index / 2), last: Math.floor(last / 2) });

const isCount = (size: number): boolean => Number.isSafeInteger(size) && size >= 0;
const isTreeHead = ({ size, root }: TreeHead): boolean => isCount(size) && isDigest(root);
