import { describe, expect, it } from 'vitest';
import { sampleCoordinates } from '../../../shared/vector/sample-coordinates.ts';
import { seededRandomSource } from '../../../shared/random-source.ts';
import { fc } from '../../support/properties.ts';

describe('a sample of coordinates', () => {
  it('is ascending, without repetition, within the length, and of the size asked for or everything', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), fc.nat(), (length, most, seed) => {
        const sample = [...sampleCoordinates(seededRandomSource(seed), length, most)];
        expect(sample).toHaveLength(Math.min(length, most));
        expect(new Set(sample).size).toBe(sample.length);
        expect(sample).toEqual(sample.toSorted((a, b) => a - b));
        expect(sample.every((coordinate) => coordinate >= 0 && coordinate < length)).toBe(true);
      }),
      { seed: 1 },
    );
  });

  it('takes every coordinate equally often', () => {
    const random = seededRandomSource(2);
    const counts = new Array<number>(20).fill(0);
    for (let draw = 0; draw < 4000; draw++)
      for (const coordinate of sampleCoordinates(random, 20, 5)) counts[coordinate] = (counts[coordinate] ?? 0) + 1;
    // Expected 1,000 each with a standard deviation of 27.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(5 * 27);
  });
});
