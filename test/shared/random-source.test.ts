import { describe, expect, it } from 'vitest';
import {
  fillStandardNormals,
  type RandomSource,
  secureRandomSource,
  seededRandomSource,
  shuffled,
  uniformInteger,
} from '../../shared/random-source.ts';
import { KS_CRITICAL_P_001, ksStatistic } from '../support/kolmogorov-smirnov.ts';
import { fc } from '../support/properties.ts';

const draws = (random: RandomSource, count: number): number[] => Array.from({ length: count }, () => random.uniform());

function normals(random: RandomSource, count: number): Float64Array {
  const out = new Float64Array(count);
  fillStandardNormals(random, out);
  return out;
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const products = a.map((x, i) => (x - 0.5) * ((b[i] ?? NaN) - 0.5));
  return 12 * (products.reduce((sum, x) => sum + x, 0) / products.length);
}

describe('a seeded source', () => {
  it('repeats its stream for the same seed and labels', () => {
    fc.assert(
      fc.property(fc.integer(), fc.string(), (seed, label) => {
        expect(draws(seededRandomSource(seed, label, 3), 20)).toEqual(draws(seededRandomSource(seed, label, 3), 20));
      }),
    );
  });

  it('gives uncorrelated streams to neighbouring seeds and labels', () => {
    const streams = [7, 8].flatMap((seed) =>
      [0, 1, 2, 10].flatMap((client) =>
        ['noise', 'sample'].map((use) => draws(seededRandomSource(seed, use, client), 4000)),
      ),
    );
    const pairs = streams.flatMap((a, i) => streams.slice(i + 1).map((b) => Math.abs(correlation(a, b))));
    expect(pairs).toHaveLength(120);
    expect(Math.max(...pairs)).toBeLessThan(4.5 / Math.sqrt(4000)); // 4.5 standard errors; equal streams give 1
  });

  it('is no alias of another label list that reads alike', () => {
    const first = (...labels: readonly (string | number)[]): number => seededRandomSource(1, ...labels).uniform();
    expect(new Set([first('a', 1), first('a', 11), first('a1'), first(), first('b', 1), first(1, 'a')]).size).toBe(6);
  });
});

describe('the secure source', () => {
  it('alone says that it is', () => {
    expect([secureRandomSource().secure, seededRandomSource(1).secure]).toEqual([true, undefined]);
  });

  it('differs each time and never repeats a draw across its blocks', () => {
    const all = [...draws(secureRandomSource(), 10_000), ...draws(secureRandomSource(), 10_000)];
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('random words', () => {
  it.each([
    ['seeded', seededRandomSource(5, 'words')],
    ['secure', secureRandomSource()],
  ])('of the %s source fill arrays of any length, each bit as often 0 as 1', (_, random) => {
    // More than WebCrypto fills in one call.
    const words = new Uint32Array(40_001);
    random.fillWords(words);
    for (let bit = 0; bit < 32; bit++) {
      const ones = words.reduce((sum, word) => sum + ((word >>> bit) & 1), 0);
      expect(Math.abs(ones / words.length - 0.5)).toBeLessThan(2.5 / Math.sqrt(words.length)); // 5 standard errors
    }
    expect(new Set(words.subarray(-1000)).size).toBeGreaterThan(995);
  });

  it('of a seeded source repeat with the seed, however they are asked for', () => {
    const [whole, parts] = [new Uint32Array(100), new Uint32Array(100)];
    seededRandomSource(3, 'words').fillWords(whole);
    const random = seededRandomSource(3, 'words');
    for (const [from, to] of [
      [0, 1],
      [1, 60],
      [60, 100],
    ] as const)
      random.fillWords(parts.subarray(from, to));
    expect(parts).toEqual(whole);
  });
});

describe('uniform draws', () => {
  it.each([
    ['seeded', seededRandomSource(5, 'uniform')],
    ['secure', secureRandomSource()],
  ])('of the %s source lie in [0, 1) and use all 53 bits', (_, random) => {
    const sample = draws(random, 5000);
    expect(sample.every((x) => x >= 0 && x < 1 && Number.isInteger(x * 2 ** 53))).toBe(true);
    expect(sample.some((x) => !Number.isInteger(x * 2 ** 52))).toBe(true);
    expect(Math.min(...sample)).toBeLessThan(0.01);
    expect(Math.max(...sample)).toBeGreaterThan(0.99);
  });

  it('give every whole number below the bound, and no other', () => {
    const random = seededRandomSource(11);
    const counts = new Map<number, number>();
    for (let i = 0; i < 6000; i++) {
      const drawn = uniformInteger(random, 6);
      counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
    }
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...counts.values()].every((count) => Math.abs(count - 1000) < 150)).toBe(true);
  });
});

describe('normal draws', () => {
  const sample = normals(seededRandomSource(20, 'normals'), 20_000);

  it('follow N(0, 1), by a test that rejects 2/3 and 3/2 of its standard deviation, and its square', () => {
    expect(ksStatistic(sample)).toBeLessThan(KS_CRITICAL_P_001);
    expect(ksStatistic(sample.map((x) => (2 / 3) * x))).toBeGreaterThan(KS_CRITICAL_P_001);
    expect(ksStatistic(sample.map((x) => 1.5 * x))).toBeGreaterThan(KS_CRITICAL_P_001);
    expect(ksStatistic(sample.map((x) => x * x))).toBeGreaterThan(KS_CRITICAL_P_001);
  });

  it('are uncorrelated from one to the next, also within a pair', () => {
    const even = sample.filter((_, i) => i % 2 === 0);
    const odd = sample.filter((_, i) => i % 2 === 1);
    const within = even.reduce((sum, x, i) => sum + x * (odd[i] ?? NaN), 0) / even.length;
    const between = odd.slice(0, -1).reduce((sum, x, i) => sum + x * (even[i + 1] ?? NaN), 0) / (odd.length - 1);
    expect(Math.abs(within)).toBeLessThan(0.045);
    expect(Math.abs(between)).toBeLessThan(0.045);
  });

  it('fill odd lengths to the end and stay finite where the generator returns 0', () => {
    expect(normals(seededRandomSource(1), 7).every((x) => x !== 0)).toBe(true);
    expect(normals({ ...seededRandomSource(1), uniform: () => 0 }, 3).every(Number.isFinite)).toBe(true);
    expect(normals({ ...seededRandomSource(1), uniform: () => 1 - 2 ** -53 }, 3).every(Number.isFinite)).toBe(true);
  });
});

describe('shuffling', () => {
  it('is a permutation, leaves its argument alone, and repeats with the seed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 30 }), fc.integer(), (items, seed) => {
        const before = [...items];
        const result = shuffled(seededRandomSource(seed), items);
        expect(items).toEqual(before);
        expect(result.toSorted((a, b) => a - b)).toEqual(items.toSorted((a, b) => a - b));
        expect(shuffled(seededRandomSource(seed), items)).toEqual(result);
      }),
    );
  });

  it('reaches all orders equally often', () => {
    const random = seededRandomSource(13);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = shuffled(random, ['a', 'b', 'c']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    expect([...counts.values()].every((count) => Math.abs(count - 1000) < 150)).toBe(true);
  });
});
