import { describe, expect, it } from 'vitest';
import { seededRandomSource, shuffled } from '../../../../shared/random-source.ts';
import { seededRows } from './kernel-world.ts';
import { type Rows, exactSums, pairIndex, shardOf, sumsOfPairs, worstRelativeError } from './shard-world.ts';
import { fc } from '../../../support/properties.ts';

const floats = (rows: readonly (readonly number[])[]): Rows => rows.map((row) => Float32Array.from(row));
const scaled = (rows: Rows, scale: number): Rows => rows.map((row) => row.map((value) => value * scale));

/** From run to run the values grow or shrink, so that float64 rounds where their sums are added. */
const uneven = (n: number, d: number, seed: string): Rows =>
  seededRows(n, d, seed).map((row) => row.map((value, k) => value * 2 ** ((Math.floor(k / 96) * 11) % 31)));

const errorOf = (rows: Rows): number => worstRelativeError(sumsOfPairs(rows), exactSums(rows));

const [sizes, lengths] = [
  [1, 2, 3, 4, 5, 6, 8, 9, 13],
  [1, 2, 3, 5, 16, 95, 96, 97, 959, 960, 961, 2005],
];
const shapes = sizes.flatMap((n) => lengths.map((d) => ({ n, d })));

describe('squared distances in float32 tiles', () => {
  it('are within 1e-6 of the exact ones for every number of rows and columns', () => {
    for (const { n, d } of shapes) expect([n, d, errorOf(seededRows(n, d, `${n}/${d}`)) <= 1e-6]).toEqual([n, d, true]);
    expect(sumsOfPairs(seededRows(7, 100, 'count'))).toHaveLength(21);
    expect(sumsOfPairs(seededRows(1, 100, 'count'))).toHaveLength(0);
  });

  it('are within 1e-6 where every rounding of float32 goes the same way', () => {
    // Squares a little above a half unit in the last place, added to a sum that is a little above a power of two.
    for (const large of [1, 1.0000001, 1.5, 1.9999999, 4096])
      for (const small of [2 ** -12.5, 2 ** -12, 2 ** -11.9, 0.00034, 0.3])
        for (const place of [0, 1, 4, 40, 92]) {
          const row = Float32Array.from({ length: 1920 }, (_, k) =>
            k % 96 >= place && k % 96 < place + 4 ? large : small,
          );
          expect(errorOf([row, new Float32Array(1920)])).toBeLessThan(1e-6);
        }
  });

  it('are within 1e-6 at every scale of float32, also where its squares over- or underflow', () => {
    const rows = seededRows(5, 300, 'scales');
    for (let exponent = -149; exponent <= 127; exponent++)
      expect([exponent, errorOf(scaled(rows, 2 ** exponent)) <= 1e-6]).toEqual([exponent, true]);
    expect(sumsOfPairs(floats([[1e30], [-1e30], [1e-25], [0]]))[0]).toBeCloseTo(4e60, -54);
    expect(
      errorOf(
        floats([
          [3.4e38, 0],
          [-3.4e38, 1],
          [1e-25, 1e-45],
          [0, 0],
        ]),
      ),
    ).toBeLessThan(1e-15);
  });

  it('are within 1e-6 where a square below the normal range is rounded the same way in every column', () => {
    for (let exponent = -76; exponent <= -54; exponent++)
      for (const mantissa of [1.0007, 1.0101, 1.1003, 1.2345, 1.4999, 1.7071, 1.9003]) {
        const row = new Float32Array(960).fill(mantissa * 2 ** exponent);
        expect([exponent, mantissa, errorOf([row, new Float32Array(960)]) <= 1e-6]).toEqual([exponent, mantissa, true]);
      }
  });

  it('are within 1e-6 where values of all sizes meet in one row', () => {
    const random = seededRandomSource(0, 'kernel-test', 'sizes');
    for (const [least, span] of [
      [-149, 276],
      [-80, 40],
      [-60, 10],
      [40, 30],
      [-149, 90],
    ] as const) {
      const value = (): number => (random.uniform() - 0.5) * 2 ** (least + Math.floor(span * random.uniform()));
      const rows = Array.from({ length: 6 }, () => Float32Array.from({ length: 1100 }, value));
      expect(errorOf(rows)).toBeLessThan(1e-6);
    }
    const [huge, tiny] = [1e30, 1e-25];
    expect(
      errorOf(
        floats([
          [huge, tiny, 1],
          [huge, -tiny, 1],
          [huge, tiny, 1 + 2 ** -23],
          [1, 0, 0],
        ]),
      ),
    ).toBeLessThan(1e-6);
  });

  it('do not cancel: small updates on large weights have the distances of the updates', () => {
    const base = [1000, 2000, 3000, 4000];
    const moved = [
      [0, 0, 0, 0],
      [0.25, 0, 0, 0],
      [0, 0.25, 0, 0],
      [0, 0, 0.5, 0],
      [3, 3, 3, 3],
    ];
    const rows = floats(moved.map((by) => base.map((value, k) => value + (by[k] ?? NaN))));
    const sums = sumsOfPairs(rows);
    expect([1, 2, 3, 4].map((other) => sums[pairIndex(0, other)])).toEqual([0.0625, 0.0625, 0.25, 36]);
    expect(sums).toEqual(exactSums(rows));
  });

  it('of equal rows are 0', () => {
    const [row = new Float32Array()] = seededRows(1, 1000, 'equal');
    expect(sumsOfPairs([row, row, row])).toEqual(new Float64Array(3));
  });
});

const awkward = fc.oneof(
  { weight: 6, arbitrary: fc.float({ min: -1, max: 1, noNaN: true }) },
  { weight: 1, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 1e30, 1e-25) },
);

describe('the bits of a pair', () => {
  it('do not depend on the rows beside it, on their order or on how many there are', () => {
    const rowsArbitrary = fc
      .integer({ min: 1, max: 130 })
      .chain((d) => fc.array(fc.array(awkward, { minLength: d, maxLength: d }), { minLength: 2, maxLength: 11 }));
    fc.assert(
      fc.property(rowsArbitrary, fc.nat(), (values, seed) => {
        const rows = floats(values);
        const sums = sumsOfPairs(rows);
        const picked = shuffled(seededRandomSource(seed), [...rows.keys()]).slice(seed % 3);
        const again = sumsOfPairs(picked.map((row) => rows[row] ?? new Float32Array()));
        picked.forEach((row, i) =>
          picked.slice(0, i).forEach((other, j) => expect(again[pairIndex(i, j)]).toBe(sums[pairIndex(row, other)])),
        );
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('are the same when a row finds those before it, in every tile and at every scale', () => {
    for (const n of [1, 2, 3, 5, 6, 9, 12])
      for (const scale of [1, 1e-23, 1e20]) {
        const rows = scaled(uneven(n, 2005, 'last'), scale);
        const last = shardOf(rows, { kind: 'distances-of-last' }).sums;
        expect(last).toEqual(sumsOfPairs(rows).slice(((n - 1) * (n - 2)) / 2));
      }
  });

  it('stay the same in every tile when more rows come', () => {
    const rows = uneven(9, 2005, 'more');
    const sums = sumsOfPairs(rows);
    for (let n = 2; n < 9; n++) expect(sumsOfPairs(rows.slice(0, n))).toEqual(sums.slice(0, (n * (n - 1)) / 2));
  });

  it('are those of its columns alone: a shard is the part of the rows that it covers', () => {
    const rows = uneven(6, 2005, 'part');
    const part = rows.map((row) => row.slice(7, 1800));
    const job = { kind: 'distances', precision: 'float32-tiles' } as const;
    expect(shardOf(rows, job, { from: 7, to: 1800 })).toEqual(shardOf(part, job));
  });
});

describe('squared distances in float64', () => {
  it('are exact up to float64 sums, also of the largest and the least values', () => {
    for (const { n, d } of shapes) {
      const rows = seededRows(n, d, `64/${n}/${d}`);
      for (const scale of [1, 1e-38, 3e38]) {
        const sized = scaled(rows, scale);
        expect(worstRelativeError(sumsOfPairs(sized, 'float64'), exactSums(sized))).toBeLessThan(1e-13);
      }
    }
  });

  it('tell apart what float32 sums cannot', () => {
    const row = new Float32Array(960).fill(1);
    const nearly = Float32Array.from(row, (value, k) => (k === 500 ? value + 2 ** -20 : value));
    const [, first = NaN, second = NaN] = sumsOfPairs([row, new Float32Array(960), nearly], 'float64');
    expect([first, second]).toEqual([2 ** -40, 960 + 2 ** -19 + 2 ** -40]);
  });
});

describe('squared distances to a point', () => {
  it('are those of float64, to zero where there is none', () => {
    for (const { n, d } of shapes) {
      const rows = seededRows(n, d, `point/${n}/${d}`);
      const [point = new Float32Array()] = seededRows(1, d, 'point');
      for (const target of [null, point, rows[0] ?? point]) {
        const { sums } = shardOf(rows, { kind: 'distances-to-point', point: target });
        const exact = rows.map((row) => exactSums([row, target ?? new Float32Array(d)])[0] ?? NaN);
        expect(worstRelativeError(sums, Float64Array.from(exact))).toBeLessThan(1e-13);
      }
    }
  });
});
