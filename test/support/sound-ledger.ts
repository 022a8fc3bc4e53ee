// What holds for every stored ledger, whatever it tells: derived from the rows alone, with a tree that is built anew.

import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { LedgerStore } from '../../server/ledger/ledger-store.ts';
import { type Json, canonicalJson } from '../../shared/canonical-json.ts';
import { openCheckpoint, originOf } from '../../shared/ledger/checkpoint.ts';
import { MerkleTree } from '../../shared/ledger/merkle-tree.ts';
import { federation } from './federation-facts.ts';

const sha256OfLeaf = (text: string): string => createHash('sha256').update('\0').update(text).digest('hex');

/**
 * Entries are canonical, numbered and chained, and each names the smallest head over it; heads have the roots of a tree
 * over them, are signed by `publicKey`, and the newest is over all of them.
 */
export async function expectSoundLedger(ledger: LedgerStore, publicKey: string): Promise<void> {
  const [rows, heads] = [await ledger.rows(), await ledger.heads()];
  const tree = new MerkleTree();
  let previous = '0'.repeat(64);
  for (const [index, { sequence, text, hash }] of rows.entries()) {
    const entry: Json = JSON.parse(text);
    expect(canonicalJson(entry)).toBe(text);
    const head = heads.find(({ size }) => size > index)?.size;
    expect(entry).toMatchObject({ sequence: index + 1, federation, previous, head });
    expect([sequence, hash]).toEqual([index + 1, sha256OfLeaf(text)]);
    tree.append(hash);
    previous = hash;
  }
  expect(heads.at(-1)?.size ?? 0).toBe(rows.length);
  expect(await ledger.newest()).toEqual(heads.at(-1));
  for (const { size, root, note } of heads) {
    expect(root).toBe(tree.root(size));
    const opened = await openCheckpoint(note, { origin: originOf(federation), publicKey });
    expect(opened).toEqual({ kind: 'checkpoint', size, root, note });
  }
}
