import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../shared/protocol/refusals.ts';
import { splitDigits } from '../../simulation/digits.ts';
import { splitDigitsByDirichlet } from '../../simulation/dirichlet-split.ts';
import { fc } from '../support/properties.ts';

/** As many of each class as the real digits hold, class after class. */
const PER_CLASS = [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978];
const digits = {
  count: 10_000,
  labels: Uint8Array.from(PER_CLASS.flatMap((count, digit) => Array.from({ length: count }, () => digit))),
};

function classCounts(shard: readonly number[]): readonly number[] {
  return PER_CLASS.map((_, digit) => shard.filter((index) => digits.labels[index] === digit).length);
}

/** Mean over clients of how far their class shares are from the pool's, 0 (alike) to almost 1 (one class each). */
function heterogeneity(shards: readonly (readonly number[])[]): number {
  const pool = classCounts(shards.flat());
  const size = shards.flat().length;
  const distances = shards.map((shard) => {
    const gaps = classCounts(shard).map((count, k) => Math.abs(count / shard.length - (pool[k] ?? NaN) / size));
    return gaps.reduce((sum, gap) => sum + gap, 0) / 2;
  });
  return distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
}

const split = (alpha: number, seed = 7): readonly (readonly number[])[] =>
  splitDigitsByDirichlet(digits, { clients: 20, seed, alpha }).shards;

describe('the Dirichlet split', () => {
  it('deals the digits of the IID split: each once, as many to each client, the same held out', () => {
    const anySplit = fc.record({
      clients: fc.integer({ min: 1, max: 200 }),
      seed: fc.integer({ min: 0, max: 1e6 }),
      alpha: fc.oneof(fc.constantFrom(1e-3, 1e9), fc.double({ min: 0.01, max: 10, noNaN: true })),
    });
    const law = fc.property(anySplit, ({ clients, seed, alpha }) => {
      const iid = splitDigits(digits, { clients, seed });
      const { heldOut, shards } = splitDigitsByDirichlet(digits, { clients, seed, alpha });
      expect(heldOut).toEqual(iid.heldOut);
      expect(shards.map(({ length }) => length)).toEqual(iid.shards.map(({ length }) => length));
      const inOrder = (indices: readonly (readonly number[])[]): number[] => indices.flat().sort((a, b) => a - b);
      expect(inOrder(shards)).toEqual(inOrder(iid.shards));
    });
    fc.assert(law, { numRuns: 20, seed: 5 });
  });

  it('approaches the IID split as alpha grows', () => {
    const iid = heterogeneity(splitDigits(digits, { clients: 20, seed: 7 }).shards);
    const [few, some, many] = [heterogeneity(split(0.1)), heterogeneity(split(1)), heterogeneity(split(1e6))];
    expect(few).toBeGreaterThan(1.5 * some);
    expect(some).toBeGreaterThan(3 * many);
    expect(many / iid).toBeGreaterThan(0.8);
    expect(many / iid).toBeLessThan(1.25);
  });

  it('gives class shares of the spread that Dirichlet(alpha) has, with those of the pool as mean', () => {
    // The first client of each seed: it draws from a full pool, so that nothing is used up. Variance of a share:
    // m (1 - m) / (K alpha + 1), and of the count of 400 digits drawn from it that times (K alpha + 400) / 400.
    const alpha = 0.5;
    const firsts = Array.from({ length: 80 }, (_, seed) => classCounts(split(alpha, seed)[0] ?? []));
    const ratios = PER_CLASS.map((count, k) => {
      const mean = count / 10_000;
      const variance = ((mean * (1 - mean)) / (10 * alpha + 1)) * ((10 * alpha + 400) / 400);
      const shares = firsts.map((counts) => (counts[k] ?? NaN) / 400);
      const found = shares.reduce((sum, share) => sum + share, 0) / shares.length;
      expect(Math.abs(found - mean)).toBeLessThan(4 * Math.sqrt(variance / shares.length));
      return shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length / variance;
    });
    const ratio = ratios.reduce((sum, each) => sum + each, 0) / ratios.length;
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.25);
  });

  it('at the least alpha gives most clients one class, until it is used up', () => {
    const largest = split(1e-3).map((shard) => Math.max(...classCounts(shard)));
    expect(largest.filter((count) => count === 400).length).toBeGreaterThanOrEqual(10);
  });

  it('is the same for the same seed and another for another', () => {
    expect(split(0.5)).toEqual(split(0.5));
    expect(split(0.5, 8).map(classCounts)).not.toEqual(split(0.5).map(classCounts));
  });

  it('refuses an alpha that is not from 0.001 to 1e9, and what the IID split refuses', () => {
    for (const alpha of [0, 9e-4, -1, NaN, 1.1e9, Infinity]) expect(() => split(alpha)).toThrow(RefusedError);
    expect(() => splitDigitsByDirichlet(digits, { clients: 8001, seed: 1, alpha: 1 })).toThrow(RefusedError);
  });
});
