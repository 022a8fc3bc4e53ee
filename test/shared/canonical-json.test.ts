import { describe, expect, it } from 'vitest';
import { canonicalBytes, canonicalJson, type Json } from '../../shared/canonical-json.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { fc } from '../support/properties.ts';

/** The same value with every object's keys inserted the other way round. */
function reversed(value: Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map(reversed);
  const members = Object.entries(value).toReversed();
  return Object.fromEntries(members.map(([key, member]) => [key, member === undefined ? member : reversed(member)]));
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
const float64 = (hex: string): number => new DataView(BigUint64Array.of(BigInt(`0x${hex}`)).buffer).getFloat64(0, true);

describe('canonical JSON', () => {
  it('does not depend on the order in which keys were set', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      }),
    );
  });

  it('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('gives two texts to two values', () => {
    const texts = [{ a: 1 }, { a: '1' }, { a: [1] }, { a: null }, {}, [], [{}], '', null, 0, false, 'null'];
    expect(new Set(texts.map(canonicalJson)).size).toBe(texts.length);
  });

  it('writes the example of RFC 8785 section 3.2.2', () => {
    const source = {
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(source)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('sorts keys by UTF-16 code unit, as in section 3.2.3', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    const order = ['\\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
    expect(text).toBe(`{${order.map((key) => `"${key}":0`).join(',')}}`);
    expect(canonicalJson({ b: 0, a: 0, B: 0, 10: 0, 9: 0 })).toBe('{"10":0,"9":0,"B":0,"a":0,"b":0}');
  });

  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the float64 %s of RFC 8785 appendix B as %s', (hex, text) => {
    expect(canonicalJson(float64(hex))).toBe(text);
  });

  it('throws on numbers that JSON does not have, however deep', () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      expect(() => canonicalJson(value)).toThrow(InvariantError);
      expect(() => canonicalJson({ a: [{ b: value }] })).toThrow(InvariantError);
    }
  });

  it('leaves out keys without a value, and is UTF-8 as bytes', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
    expect(Array.from(canonicalBytes('€'))).toEqual([0x22, 0xe2, 0x82, 0xac, 0x22]);
  });
});
