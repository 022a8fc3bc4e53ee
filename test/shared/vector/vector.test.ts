import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../../shared/invariant-error.ts';
import {
  dot,
  firstNonFinite,
  magnitudes,
  maxAbsolute,
  median,
  medianAbsoluteDeviation,
  normL2,
  squaredDistance,
} from '../../../shared/vector/vector.ts';
import { fc } from '../../support/properties.ts';

const value = fc.float({ min: -1000, max: 1000, noNaN: true });
const pair = fc.integer({ min: 0, max: 40 }).chain((length) => {
  const vector = fc.array(value, { minLength: length, maxLength: length }).map((values) => Float32Array.from(values));
  return fc.tuple(vector, vector);
});
const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const figures = fc.array(finite, { minLength: 1, maxLength: 25 });

describe('sums over vectors', () => {
  it('are symmetric, and a distance is 0 exactly between equal vectors', () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        expect(dot(a, b)).toBe(dot(b, a));
        expect(squaredDistance(a, b)).toBe(squaredDistance(b, a));
        expect(squaredDistance(a, a)).toBe(0);
        expect(squaredDistance(a, b) === 0).toBe(a.every((x, i) => x === b[i]));
      }),
    );
  });

  it('agree with each other: |a-b|^2 = |a|^2 - 2ab + |b|^2, and |ab| <= |a||b|', () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const scale = normL2(a) ** 2 + normL2(b) ** 2;
        expect(Math.abs(squaredDistance(a, b) - (scale - 2 * dot(a, b)))).toBeLessThanOrEqual(1e-12 * scale);
        expect(Math.abs(dot(a, b))).toBeLessThanOrEqual(normL2(a) * normL2(b) * (1 + 1e-12));
        expect(maxAbsolute(a)).toBeLessThanOrEqual(normL2(a) * (1 + 1e-12));
      }),
    );
  });

  it('are the same to the last bit when norm and largest value are taken in one pass', () => {
    const spoilt = Float32Array.of(1, NaN, 2);
    for (const v of [new Float32Array(), Float32Array.of(1, -Infinity), spoilt])
      expect(magnitudes(v)).toEqual({ normL2: normL2(v), maxAbsolute: maxAbsolute(v) });
    fc.assert(
      fc.property(pair, ([a]) => {
        expect(magnitudes(a)).toEqual({ normL2: normL2(a), maxAbsolute: maxAbsolute(a) });
      }),
    );
  });

  it('are taken in float64: small values are not lost beside large ones, large ones do not overflow', () => {
    const ones = new Float32Array(1001).fill(1);
    expect(
      dot(
        Float32Array.from(ones, (one, i) => (i === 0 ? 2 ** 24 : one)),
        ones,
      ),
    ).toBe(2 ** 24 + 1000);
    expect(squaredDistance(Float32Array.of(4096, 1), Float32Array.of(0, 0))).toBe(2 ** 24 + 1);
    expect(normL2(Float32Array.of(3e38, 3e38)) / (Math.fround(3e38) * Math.SQRT2)).toBeCloseTo(1, 14);
  });

  it('refuse vectors of two lengths instead of ignoring a tail', () => {
    const [short, long] = [Float32Array.of(1), Float32Array.of(1, 2)];
    expect(() => dot(short, long)).toThrow(InvariantError);
    expect(() => dot(long, short)).toThrow('found 2 and 1');
    expect(() => squaredDistance(short, long)).toThrow(InvariantError);
  });
});

describe('non-finite values', () => {
  it('show in the norm, and only they do, whatever the bits; the magnitudes stay those of two passes', () => {
    const bits = fc.oneof(
      fc.nat({ max: 2 ** 32 - 1 }),
      fc.constantFrom(0x7f800000, 0xff800000, 0x7fc00000, 0x7f7fffff, 1, 0x80000000),
    );
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 20 }), (list) => {
        const v = new Float32Array(Uint32Array.from(list).buffer);
        expect(magnitudes(v)).toEqual({ normL2: normL2(v), maxAbsolute: maxAbsolute(v) });
        expect(Number.isFinite(magnitudes(v).normL2)).toBe(firstNonFinite(v) === -1);
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it('are found at their first index, and turn every sum and the maximum into NaN', () => {
    fc.assert(
      fc.property(pair, fc.nat(), fc.constantFrom(NaN, Infinity, -Infinity), ([a], at, bad) => {
        fc.pre(a.length > 0);
        expect(firstNonFinite(a)).toBe(-1);
        const spoilt = a.with(at % a.length, bad).with(a.length - 1, bad);
        expect(firstNonFinite(spoilt)).toBe(at % a.length);
      }),
    );
    const spoilt = Float32Array.of(1, NaN, 9);
    expect([normL2(spoilt), maxAbsolute(spoilt), squaredDistance(spoilt, spoilt)]).toEqual([NaN, NaN, NaN]);
    expect(maxAbsolute(Float32Array.of(1, -Infinity))).toBe(Infinity);
  });

  it('cannot move a median unseen', () => {
    expect(median([1, NaN, 2, 3])).toBeNaN();
    expect(medianAbsoluteDeviation([NaN, 1, 1])).toBeNaN();
  });
});

describe('median and median absolute deviation', () => {
  it('do not depend on order, and follow shift and scale', () => {
    fc.assert(
      fc.property(figures, finite, fc.double({ min: 0.1, max: 9, noNaN: true }), (values, shift, scale) => {
        expect(median(values.toReversed())).toBe(median(values));
        const moved = values.map((x) => scale * x + shift);
        expect(median(moved)).toBeCloseTo(scale * median(values) + shift, 6);
        expect(medianAbsoluteDeviation(moved)).toBeCloseTo(scale * medianAbsoluteDeviation(values), 6);
      }),
    );
  });

  it('leave as many values below as above', () => {
    fc.assert(
      fc.property(figures, (values) => {
        const middle = median(values);
        const half = values.length / 2;
        expect(values.filter((x) => x < middle).length).toBeLessThanOrEqual(half);
        expect(values.filter((x) => x > middle).length).toBeLessThanOrEqual(half);
      }),
    );
  });

  it('sort as numbers, take the mean of the two middles, and need a value', () => {
    expect(median([10, 9, 1])).toBe(9);
    expect(median([10, 2, 9, 1])).toBe(5.5);
    expect(medianAbsoluteDeviation([1, 1, 2, 2, 4, 6, 9])).toBe(1);
    expect(() => median([])).toThrow(InvariantError);
    expect(maxAbsolute(new Float32Array())).toBe(0);
  });
});
