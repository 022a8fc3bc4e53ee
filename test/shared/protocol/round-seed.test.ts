import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { asDigest, asFederationId, type Digest, isDigest } from '../../../shared/ids.ts';
import { aggregationSeed, newRoundSeed, seedCommitment } from '../../../shared/protocol/round-seed.ts';
import { fc } from '../../support/properties.ts';

const digestText = z.string().transform(asDigest);
const pinned = z
  .object({
    commitments: z.array(
      z.object({
        federation: z.string().transform(asFederationId),
        round: z.number(),
        seed: digestText,
        commitment: z.string(),
      }),
    ),
    aggregationSeeds: z.array(
      z.object({ seed: digestText, updates: z.array(digestText), aggregationSeed: z.string() }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../../oracles/round_seed.json', import.meta.url), 'utf8')));

const digests: fc.Arbitrary<Digest> = fc.nat().map((index) => asDigest(index.toString(16).padStart(64, '0')));

describe('the seed of a round', () => {
  it('is 256 bits, other ones each time', () => {
    const seeds = Array.from({ length: 50 }, newRoundSeed);
    expect(seeds.every(isDigest)).toBe(true);
    expect(new Set(seeds).size).toBe(50);
  });

  it.each(pinned.commitments)('is committed to as in round_seed.py: $federation, $round', async (row) => {
    expect(await seedCommitment(row)).toBe(row.commitment);
  });

  it('has another commitment for another federation, round or seed', async () => {
    const [federation, seed] = [asFederationId('demo'), asDigest('0'.repeat(64))];
    const commitments = await Promise.all(
      [
        { federation, round: 1, seed },
        { federation, round: 2, seed },
        { federation: asFederationId('wards'), round: 1, seed },
        { federation, round: 1, seed: asDigest('1'.repeat(64)) },
      ].map(seedCommitment),
    );
    expect(new Set(commitments).size).toBe(4);
  });

  it.each(pinned.aggregationSeeds)('mixes with the updates as in round_seed.py: $seed', async (row) => {
    expect(await aggregationSeed(row.seed, row.updates)).toBe(row.aggregationSeed);
  });

  it('mixes to the same in any order of the updates, and to another as soon as one of them differs', async () => {
    const given = fc.uniqueArray(digests, { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(digests, given, async (seed, updates) => {
        const copy = [...updates];
        const mixed = await aggregationSeed(seed, updates);
        expect(await aggregationSeed(seed, [...updates].reverse())).toBe(mixed);
        expect(await aggregationSeed(seed, updates.slice(1))).not.toBe(mixed);
        expect(updates).toEqual(copy);
      }),
      { numRuns: 40 },
    );
  });
});
