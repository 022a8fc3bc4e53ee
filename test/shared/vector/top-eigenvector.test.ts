import { describe, expect, it } from 'vitest';
import { pairwiseDots } from '../../../shared/vector/pairwise-dots.ts';
import { centred, topEigenvector } from '../../../shared/vector/top-eigenvector.ts';
import { fc } from '../../support/properties.ts';

const most = { iterations: 500, tolerance: 0 };
const floats = (...rows: readonly (readonly number[])[]) => rows.map((row) => Float32Array.from(row));

describe('centred vectors', () => {
  it('have their mean taken out, and are exactly 0 where they are equal', () => {
    expect(centred(floats([1, 2], [3, 8])).map((row) => [...row])).toEqual([
      [-1, -3],
      [1, 3],
    ]);
    expect(centred(floats([0.1], [0.1], [0.1])).map((row) => [...row])).toEqual([[0], [0], [0]]);
    expect(centred([])).toEqual([]);
  });

  it('leave the given ones as they are', () => {
    const given = floats([1], [2]);
    centred(given);
    expect(given).toEqual(floats([1], [2]));
  });
});

describe('the top eigenvector', () => {
  it('is of norm 1 and stretched by the matrix more than any other direction', () => {
    const value = fc.integer({ min: -20, max: 20 });
    const vectors = fc.array(fc.array(value, { minLength: 3, maxLength: 3 }), { minLength: 2, maxLength: 7 });
    fc.assert(
      fc.property(vectors, fc.nat(1e6), (rows, probe) => {
        const gram = pairwiseDots(floats(...rows));
        const stretch = (direction: Float64Array) =>
          gram.reduce(
            (sum, row, i) =>
              sum + row.reduce((part, entry, j) => part + entry * (direction[i] ?? 0) * (direction[j] ?? 0), 0),
            0,
          );
        const start = Float64Array.from(rows, (_, i) => 1 + i * 0.37);
        const top = topEigenvector(gram, start, { iterations: 20_000, tolerance: 1e-15 });
        const other = Float64Array.from(rows, (_, i) => Math.cos(probe + i * i));
        const norm = Math.hypot(...other);
        fc.pre(Math.hypot(...top) > 0);
        expect(Math.hypot(...top)).toBeCloseTo(1, 12);
        expect(stretch(other.map((entry) => entry / norm))).toBeLessThanOrEqual(stretch(top) * (1 + 1e-2) + 1e-9);
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  it('is zero of a zero matrix', () => {
    expect([...topEigenvector(pairwiseDots(floats([0], [0])), Float64Array.of(1, 2), most)]).toEqual([0, 0]);
  });

  it('is the same to the bit whether or not it stops where nothing moves any more', () => {
    const gram = pairwiseDots(floats([4, 1], [-3, 0.5], [1, -1]));
    const start = Float64Array.of(1, 0, 0);
    expect(topEigenvector(gram, start, most)).toEqual(topEigenvector(gram, start, { ...most, tolerance: -1 }));
  });

  it('stops early where a tolerance allows it', () => {
    const gram = pairwiseDots(floats([4, 1], [-3, 0.5], [1, -1]));
    const start = Float64Array.of(1, 0, 0);
    const loose = topEigenvector(gram, start, { ...most, tolerance: 0.1 });
    expect(loose).not.toEqual(topEigenvector(gram, start, most));
  });
});
