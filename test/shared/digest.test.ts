import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../shared/digest.ts';
import { fc } from '../support/properties.ts';

describe('SHA-256', () => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ])('of %j is the published value (FIPS 180-4)', async (text, expected) => {
    expect(await sha256(text)).toBe(expected);
  });

  it('is of a text’s UTF-8, and of the part of a buffer that it is given', async () => {
    const bytes = fc.uint8Array({ maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), bytes, fc.nat({ max: 20 }), async (text, found, from) => {
        expect(await sha256(text)).toBe(createHash('sha256').update(text, 'utf8').digest('hex'));
        const part = Uint8Array.from(found).subarray(from);
        expect(await sha256(part)).toBe(createHash('sha256').update(part).digest('hex'));
      }),
      { numRuns: 50 },
    );
  });
});
