import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { squaredDistances } from '../../../server/aggregation/squared-distances.ts';
import { fillStandardNormals, seededRandomSource } from '../../../shared/random-source.ts';

function gaussianVectors(n: number, d: number): readonly Float32Array[] {
  const random = seededRandomSource(7, 'distances', d);
  return Array.from({ length: n }, () => {
    const draws = new Float64Array(d);
    fillStandardNormals(random, draws);
    return Float32Array.from(draws);
  });
}

describe('squared distances', () => {
  it('are exact for whole numbers, symmetric, and 0 to oneself', () => {
    const row = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
        const distances = squaredDistances(rows.map((values) => Float32Array.from(values)));
        const expected = rows.map((a) => rows.map((b) => a.reduce((sum, x, k) => sum + (x - (b[k] ?? NaN)) ** 2, 0)));
        expect(distances.map((line) => [...line])).toEqual(expected);
      }),
    );
  });

  it.each([2047, 2048, 2049, 5000])('count every one of %i coordinates once, across the blocks', (d) => {
    const vectors = gaussianVectors(4, d);
    squaredDistances(vectors).forEach((line, i) =>
      line.forEach((distance, j) => {
        const direct = [...(vectors[i] ?? [])].reduce((sum, x, k) => sum + (x - (vectors[j]?.[k] ?? NaN)) ** 2, 0);
        expect(Math.abs(distance - direct)).toBeLessThanOrEqual(1e-12 * direct);
      }),
    );
  });
});
