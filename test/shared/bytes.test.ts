import { describe, expect, it } from 'vitest';
import { fromBase64, fromHex, randomHex, toBase64, toHex } from '../../shared/bytes.ts';
import { fc } from '../support/properties.ts';

describe('hexadecimal', () => {
  it('is read back as it was written, lower-case and two characters a byte, as Node writes it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect([...fromHex(toHex(bytes))]).toEqual([...bytes]);
      }),
    );
  });

  it('may be read in capitals', () => {
    expect([...fromHex('00FFa5')]).toEqual([0, 255, 165]);
  });

  it('is of as many random bytes as asked for, never the same', () => {
    expect(randomHex(16)).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(Array.from({ length: 50 }, () => randomHex(16))).size).toBe(50);
  });
});

describe('base64', () => {
  it('is read back as it was written, as Node writes it, with its padding or without', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const written = toBase64(bytes);
        expect(written).toBe(Buffer.from(bytes).toString('base64'));
        expect([...fromBase64(written)]).toEqual([...bytes]);
        expect([...fromBase64(written.replaceAll('=', ''))]).toEqual([...bytes]);
      }),
    );
  });
});
