import { describe, expect, it } from 'vitest';
import { sortingNetwork } from '../../../../server/aggregation/kernels/sorting-network.ts';
import { seededRandomSource, shuffled } from '../../../../shared/random-source.ts';

function sorted(network: Uint32Array, values: readonly number[]): readonly number[] {
  const places = [...values];
  for (let c = 0; c < network.length; c += 2) {
    const [low = -1, high = -1] = network.subarray(c, c + 2);
    const [first = NaN, second = NaN] = [places[low], places[high]];
    places[low] = Math.min(first, second);
    places[high] = Math.max(first, second);
  }
  return places;
}

const zerosAndOnes = (n: number): readonly (readonly number[])[] =>
  Array.from({ length: 2 ** n }, (_, bits) => Array.from({ length: n }, (_bit, place) => (bits >> place) & 1));

describe('a sorting network', () => {
  it('sorts all zeros and ones, and so everything, into every range of places that is asked for', () => {
    for (let n = 1; n <= 9; n++)
      for (let first = 0; first < n; first++)
        for (let last = first; last < n; last++) {
          const network = sortingNetwork(n, { first, last });
          const wrong = zerosAndOnes(n).filter((values) => {
            const ones = values.reduce((sum, value) => sum + value, 0);
            return sorted(network, values).some((v, i) => i >= first && i <= last && v !== Number(i >= n - ones));
          });
          expect(wrong).toEqual([]);
        }
  });

  it('sorts many values', () => {
    for (const n of [50, 64, 100, 1000]) {
      const ascending = Array.from({ length: n }, (_, value) => value);
      const network = sortingNetwork(n, { first: 0, last: n - 1 });
      for (const seed of [1, 2, 3])
        expect(sorted(network, shuffled(seededRandomSource(seed), ascending))).toEqual(ascending);
    }
  });

  it('has as many comparators as Batcher says, and fewer where fewer places matter', () => {
    const all = [1, 2, 4, 8, 16, 128].map((n) => sortingNetwork(n, { first: 0, last: n - 1 }).length / 2);
    expect(all).toEqual([0, 1, 5, 19, 63, 1471]);
    expect(sortingNetwork(50, { first: 24, last: 25 }).length / 2).toBeLessThan(
      sortingNetwork(50, { first: 0, last: 49 }).length / 2,
    );
    expect(sortingNetwork(8, { first: 0, last: 0 }).length / 2).toBe(7);
  });
});
