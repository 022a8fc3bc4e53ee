// The hashes of the ledger: a row's text to its leaf, two nodes to the one above (RFC 6962, section 2.1). The first byte
// tells leaves from nodes, so that no row can pass for the inside of a tree. Synchronous: a tree has millions of nodes.

import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../bytes.ts';
import { asDigest, type Digest } from '../ids.ts';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** What the first entry of a ledger names as the entry before it. */
export const GENESIS: Digest = asDigest('0'.repeat(64));

/** Of a row's canonical JSON: SHA-256(0x00 || UTF-8). It is the row's leaf in the tree and its link in the hash chain. */
export function entryHash(text: string): Digest {
  return asDigest(toHex(sha256.create().update(LEAF).update(new TextEncoder().encode(text)).digest()));
}

/** SHA-256(0x01 || left || right), of 32 bytes each. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256.create().update(NODE).update(left).update(right).digest();
}
