// The recursions of RFC 6962, section 2.1, over lists of leaf hashes and with Node's SHA-256, for the laws of the tree.

import { createHash } from 'node:crypto';
import { asDigest, type Digest } from '../../../shared/ids.ts';

const hash = (...parts: readonly Uint8Array[]): Digest =>
  asDigest(createHash('sha256').update(Buffer.concat(parts)).digest('hex'));

/** SHA-256(0x00 || text). */
export const leafOf = (text: string): Digest => hash(Buffer.of(0), Buffer.from(text, 'utf8'));
/** SHA-256(0x01 || left || right). */
export const nodeOf = (left: Digest, right: Digest): Digest =>
  hash(Buffer.of(1), Buffer.from(left, 'hex'), Buffer.from(right, 'hex'));

/** The largest power of two below `n`, which is at least 2. */
export function below(n: number): number {
  let power = 1;
  while (2 * power < n) power *= 2;
  return power;
}

export function rootOf(leaves: readonly Digest[]): Digest {
  const [only] = leaves;
  if (only === undefined) return hash();
  if (leaves.length === 1) return only;
  const k = below(leaves.length);
  return nodeOf(rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)));
}

/** On which side each step of PATH(index, D[size]) lies, bottom up: all that a verifier takes from index and size. */
export function sidesOfInclusion(index: number, size: number): string {
  if (size === 1) return '';
  const k = below(size);
  return index < k ? `${sidesOfInclusion(index, k)}R` : `${sidesOfInclusion(index - k, size - k)}L`;
}

/** The same of PROOF(from, D[to]), without the hash that it may begin with. */
export function sidesOfConsistency(from: number, to: number): string {
  if (from === to) return '';
  const k = below(to);
  return from <= k ? `${sidesOfConsistency(from, k)}R` : `${sidesOfConsistency(from - k, to - k)}L`;
}
