import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../shared/bytes.ts';
import { entryHash, GENESIS, nodeHash } from '../../../shared/ledger/ledger-hash.ts';
import { leafOf, nodeOf } from './reference-tree.ts';
import { fc } from '../../support/properties.ts';

describe('the hash of a ledger row', () => {
  it('is that of its UTF-8 behind a zero byte, as Node computes it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        expect(entryHash(text)).toBe(leafOf(text));
      }),
    );
  });

  it('is never that of a node of the same bytes', () => {
    const [left, right] = [entryHash('a'), entryHash('b')];
    const node = toHex(nodeHash(fromHex(left), fromHex(right)));
    expect(node).toBe(nodeOf(left, right));
    const bytes = String.fromCodePoint(...Array.from({ length: 64 }, () => 1));
    const ones = new Uint8Array(32).fill(1);
    expect(entryHash(bytes)).not.toBe(toHex(nodeHash(ones, ones)));
  });

  it('follows 64 zeros in the first link of the chain', () => {
    expect(GENESIS).toBe('0'.repeat(64));
  });
});
