import { describe, expect, it } from 'vitest';
import {
  asClientId,
  asDigest,
  asFederationId,
  asOrganisationId,
  compareText,
  isClientId,
  isDigest,
  isFederationId,
  isOrganisationId,
} from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { fc } from '../support/properties.ts';

const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: 64, maxLength: 64 });
const digest = 'a3'.repeat(32);

describe('digests and client ids', () => {
  it('are any 64 lower-case hexadecimal characters', () => {
    fc.assert(
      fc.property(hex, (text) => {
        expect([isDigest(text), isClientId(text)]).toEqual([true, true]);
        expect([asDigest(text), asClientId(text)]).toEqual([text, text]);
      }),
    );
  });

  it.each([
    '',
    digest.slice(1),
    `${digest}0`,
    digest.toUpperCase(),
    `g${digest.slice(1)}`,
    `${digest}\n`,
    ` ${digest}`,
  ])('are not %j', (text) => {
    expect([isDigest(text), isClientId(text)]).toEqual([false, false]);
    expect(() => asDigest(text)).toThrow(InvariantError);
    expect(() => asClientId(text)).toThrow(InvariantError);
  });
});

describe('names of federations and organisations', () => {
  it.each(['digits', 'a', 'ward-7', `a${'b'.repeat(63)}`])('may be %j', (text) => {
    expect([isFederationId(text), isOrganisationId(text)]).toEqual([true, true]);
    expect([asFederationId(text), asOrganisationId(text)]).toEqual([text, text]);
  });

  it.each(['', '7a', '-a', 'A', 'a_b', 'a/b', '..', 'a\n', 'é', `a${'b'.repeat(64)}`])('may not be %j', (text) => {
    expect([isFederationId(text), isOrganisationId(text)]).toEqual([false, false]);
    expect(() => asFederationId(text)).toThrow(InvariantError);
    expect(() => asOrganisationId(text)).toThrow(InvariantError);
  });
});

describe('the order of texts', () => {
  it('is total, and the one in which sort() puts strings', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'B', 'ä', '€', '\ud83d\ude00', '\ufb33', '9') })),
        (texts) => {
          expect(texts.toSorted(compareText)).toEqual(texts.toSorted());
        },
      ),
    );
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(compareText(a, b) + compareText(b, a)).toBe(0);
        expect(compareText(a, b) === 0).toBe(a === b);
      }),
    );
  });

  it('follows code units, not a locale', () => {
    expect(['a', 'B', 'ä', 'Z', '10', '9'].toSorted(compareText)).toEqual(['10', '9', 'B', 'Z', 'a', 'ä']);
  });
});
