import { describe, expect, it } from 'vitest';
import { lookAlike, nameKey, vetName } from '../../../server/admission/client-name.ts';
import { asClientId } from '../../../shared/ids.ts';
import { isRefused } from '../../../shared/protocol/refusals.ts';
import { codeOf } from '../../support/refusal-code.ts';
import { fc } from '../../support/properties.ts';

const clientAt = (index: number) => asClientId(index.toString(16).padStart(64, '0'));
const named = (...names: readonly string[]) => names.map((name, i) => ({ client: clientAt(i), name }));
const distanceOf = (name: string, other: string) => lookAlike(name, named(other))?.distance;
const shown = (name: string): string => {
  const vetted = vetName(name);
  return isRefused(vetted) ? vetted.refusal.code : vetted.name;
};

const asciiNames = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 });
const names = fc.oneof(
  asciiNames,
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...'аеоросухНВΝνΓгıİſßﬁ１l1I|0Oo -й'.split('')), minLength: 1, maxLength: 12 }),
);

describe('a name that a client chooses', () => {
  it.each([
    ['Ward 7', 'Ward 7'],
    ['  Ward \u00a0  7 ', 'Ward 7'],
    ['ﬁeld ｈｏｓｐｉｔａｌ', 'field hospital'],
    ['cafe\u0301', 'café'],
    ['больница', 'больница'],
    ['病院 3', '病院 3'],
    ['हिन्दी', 'हिन्दी'],
    ['7', '7'],
    ['🦊 den', '🦊 den'],
    ['\u{1d400}'.repeat(100), 'A'.repeat(100)],
    ['a\u0323\u0331\u0330\u032d', 'ạ\u0331\u0330\u032d'],
    ['\u{20000}'.repeat(100), '\u{20000}'.repeat(100)],
  ])('is shown in NFKC form with single spaces: "%s"', (name, expected) => {
    expect(shown(name)).toBe(expected);
  });

  it.each([
    ['nothing', ''],
    ['only spaces', ' \u3000 '],
    ['101 characters', 'a'.repeat(101)],
    ['101 characters once normalised', '㎒'.repeat(50) + 'a'],
    ['a line break', 'ward\n7'],
    ['a null', 'ward\u00007'],
    ['an escape sequence', '\u001b[31mward'],
    ['a right-to-left override', 'ward\u202e7'],
    ['a bidi isolate', '\u2066ward'],
    ['a zero-width joiner', 'pay\u200dpal'],
    ['a zero-width space', 'pay\u200bpal'],
    ['a byte order mark', 'pay\ufeffpal'],
    ['a soft hyphen', 'pay\u00adpal'],
    ['a Hangul filler', 'pay\u3164pal'],
    ['a combining grapheme joiner', 'pay\u034fpal'],
    ['a variation selector', 'ward\ufe0f'],
    ['a blank of Braille', '\u2800ward'],
    ['a tag character', 'ward\u{e0041}'],
    ['private use', 'ward\ue000'],
    ['an unassigned character', 'ward\u0378'],
    ['half a surrogate pair', 'ward\ud800'],
    ['punctuation alone', '-- / --'],
    ['symbols alone', '🦊+🦊'],
    ['a pile of marks', 'a\u0323\u0331\u0330\u032d\u0332\u0333'],
  ])('is refused with %s', (_, name) => {
    expect(codeOf(vetName(name))).toBe('bad-name');
  });

  it('is refused without the hidden character reaching a screen', () => {
    expect(vetName('ward\u202e7')).toMatchObject({ refusal: { found: 'U+202E', expected: expect.any(String) } });
  });

  it('once vetted is vetted again to the same, with the key of what is shown', () => {
    fc.assert(
      fc.property(names, (name) => {
        const vetted = vetName(name);
        if (isRefused(vetted)) return;
        expect(vetName(vetted.name)).toEqual(vetted);
        expect(vetted.key).toBe(nameKey(vetted.name));
        expect(vetted.name).not.toMatch(/^\s|\s$|\s\s|\p{C}/u);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the key of a name', () => {
  it('is its own key, and the same for every normal form and every case of ASCII', () => {
    fc.assert(
      fc.property(names, (name) => {
        const key = nameKey(name);
        expect(nameKey(key)).toBe(key);
        for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD']) expect(nameKey(name.normalize(form))).toBe(key);
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(asciiNames, (name) => {
        expect(nameKey(name.toUpperCase())).toBe(nameKey(name));
        expect(nameKey(name.toLowerCase())).toBe(nameKey(name));
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps apart what marks of one script alone tell apart', () => {
    expect(nameKey('कि')).not.toBe(nameKey('का'));
  });
});

describe('a look-alike', () => {
  it('is a name of a series whose number is written in the digits of another script', () => {
    expect(distanceOf('clinic ٧', 'clinic 7')).toBeDefined();
    expect(distanceOf('clinic ８', 'clinic 7')).toBeUndefined();
  });

  it('is every name to itself, at distance 0, in whatever case it is written', () => {
    fc.assert(
      fc.property(names, (name) => {
        expect(distanceOf(name, name)).toBe(0);
        expect(distanceOf(name, name.normalize('NFKD'))).toBe(0);
      }),
    );
    for (const name of ['Вова', 'ГРИША', 'Νίκος', 'ÉCOLE', 'Clinic']) {
      expect(distanceOf(name, name.toLowerCase())).toBe(0);
      expect(distanceOf(name.toLowerCase(), name)).toBe(0);
    }
  });

  it('is one in both directions', () => {
    fc.assert(
      fc.property(names, names, (name, other) => {
        expect(distanceOf(name, other)).toBe(distanceOf(other, name));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['Cyrillic letters', 'раураl', 'paypal'],
    ['a Cyrillic capital whose small letter looks otherwise', 'НELP', 'help'],
    ['a Greek capital whose small letter looks otherwise', 'ΝINA', 'nina'],
    ['full width', 'ｐａｙｐａｌ', 'paypal'],
    ['mathematical letters', '𝓹𝓪𝔂𝓹𝓪𝓵', 'paypal'],
    ['a ligature', 'ﬁne', 'fine'],
    ['a digraph', 'æon', 'aeon'],
    ['rn for m', 'rnayo', 'mayo'],
    ['vv for w', 'VVarsaw', 'Warsaw'],
    ['1 for l', 'c1inic', 'clinic'],
    ['capital I for l', 'cIinic', 'clinic'],
    ['capital I for l in a short name', 'Ian', 'lan'],
    ['a bar for l', '|an', 'lan'],
    ['0 for o', 'h0spital', 'hospital'],
    ['O for 0 in a number', 'client-1O', 'client-10'],
    ['l for 1 in a number', 'client-l', 'client-1'],
    ['a digit of another script that looks like another digit', 'ward ৪', 'ward 8'],
    ['a dotless i', 'clınıc', 'clinic'],
    ['a diacritic', 'pàypal', 'paypal'],
    ['another separator', 'ward_7', 'ward 7'],
    ['no separator', 'ward7', 'ward 7'],
    ['a separator moved within a number', 'ward 1-2', 'ward 12'],
    ['another case', 'CLINIC', 'clinic'],
  ])('at distance 0 is a name with %s', (_, name, other) => {
    expect(nameKey(name)).toBe(nameKey(other));
    expect(distanceOf(name, other)).toBe(0);
  });

  it.each([
    ['a letter left out of 5 or more', 'clnic', 'clinic', 1],
    ['a letter doubled', 'paypall', 'paypal', 1],
    ['a digit added to a word', 'paypal1', 'paypal', 1],
    ['a digit within a word', 'pay2pal', 'paypal', 1],
    ['two letters changed of 9', 'hospitals', 'hospitels', 1],
    ['letters transposed in a long one', 'hopsital east', 'hospital east', 2],
    ['two letters of 9', 'abcdefghj', 'abcdefgxy', 2],
    ['a zero before the number', 'phone-0012', 'phone-012', 1],
    ['another word beside another number', 'hospital-12', 'hospitel-13', 2],
  ])('is a name with %s', (_, name, other, distance) => {
    expect(distanceOf(name, other)).toBe(distance);
  });

  it.each([
    ['one letter of fewer than 5', 'anna', 'anne'],
    ['one letter more than 4', 'anna', 'annna'],
    ['two letters of 5-8', 'meadow', 'shadow'],
    ['two edits at 8 characters', 'abcdefgh', 'abcdefxy'],
    ['three edits at 9 characters', 'abcdefghj', 'abcdefxyz'],
    ['a number against none', 'phone', 'phone 2'],
    ['numbers of two series', 'bed 3 ward 7', 'bed 4 ward 7'],
    ['numbers inside words', 'ward7east', 'ward8east'],
    ['numbers of another script', 'ward ৪', 'ward ৫'],
    ['symbols', '🦊 den', '🐻 den'],
  ])('is no name that differs in %s', (_, name, other) => {
    expect(distanceOf(name, other)).toBeUndefined();
  });

  it.each([
    ['client-', 1, ''],
    ['ward ', 1, ''],
    ['Phone-00', 10, ''],
    ['', 1, ' Hill Road'],
    ['больница ', 1, ''],
    ['病院', 1, '号'],
  ])('is none among an honest series: "%s%i%s" and on', (before, from, after) => {
    const series = named(...Array.from({ length: 30 }, (_, i) => `${before}${from + i}${after}`));
    for (const each of series) {
      const others = series.filter(({ client }) => client !== each.client);
      expect(lookAlike(each.name, others)).toBeUndefined();
    }
  });

  it('is none among names that are the first twelve characters of random ids', () => {
    const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(fc.uniqueArray(hex, { minLength: 2, maxLength: 20 }), ([name = '', ...others]) => {
        expect(lookAlike(name, named(...others))).toBeUndefined();
      }),
      { seed: 12, numRuns: 300 },
    );
  });

  it('is the nearest of several, and the first of equally near ones', () => {
    const others = named('hospital west', 'hospitel eest', 'hospital eest', 'hospitall east');
    expect(lookAlike('hospital east', others)).toEqual({ client: clientAt(2), name: 'hospital eest', distance: 1 });
    expect(lookAlike('hospital east', [])).toBeUndefined();
  });
});
