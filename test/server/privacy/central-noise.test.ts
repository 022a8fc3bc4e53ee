import { describe, expect, it } from 'vitest';
import { drawCentralNoise, releasedAggregate } from '../../../server/privacy/central-noise.ts';
import { noiseGrid } from '../../../shared/gaussian-noise.ts';
import {
  type RandomSource,
  secureRandomSource,
  seededRandomSource,
  standardNormals,
} from '../../../shared/random-source.ts';
import { KS_CRITICAL_P_001, ksStatistic } from '../../support/kolmogorov-smirnov.ts';
import { fc } from '../../support/properties.ts';

describe('the noise of a round under central privacy', () => {
  it('is standard normal, and a test that passes it rejects two thirds and three halves of it', async () => {
    const { normals } = await drawCentralNoise(20_001, secureRandomSource());
    expect(normals).toHaveLength(20_001);
    expect(ksStatistic(normals)).toBeLessThan(KS_CRITICAL_P_001);
    for (const wrong of [2 / 3, 3 / 2])
      expect(ksStatistic(normals.map((value) => wrong * value))).toBeGreaterThan(KS_CRITICAL_P_001);
  });

  it('reaches beyond what 53 random bits could: nobody tells a large sum from a large draw', async () => {
    // In the tail, by an exponential of 54 ln 2, which a second one of more than half its square keeps.
    const words = [0x7f_ffff, 0xffff_ffff];
    const draws = [1 - 2 ** -53, 0.5, 1 - 2 ** -53, 1 - 2 ** -23];
    const random: RandomSource = {
      uniform: () => draws.shift() ?? 0,
      fillWords: (out) => out.forEach((_, i) => (out[i] = words.shift() ?? 0)),
    };
    const { normals } = await drawCentralNoise(1, random);
    const tail = 3.654152885361009;
    expect(normals[0]).toBeCloseTo(tail + (54 * Math.LN2) / tail, 5);
  });

  it('is another each time, and has one draw of its own for the count', async () => {
    const random = secureRandomSource();
    const [first, second] = [await drawCentralNoise(50, random), await drawCentralNoise(50, random)];
    const all = [...first.normals, ...second.normals, first.countNormal, second.countNormal];
    expect(new Set(all).size).toBe(102);
  });

  it('cannot be guessed from its commitment: the same noise is committed to under another salt each time', async () => {
    const drawn = await Promise.all([1, 2].map(() => drawCentralNoise(3, seededRandomSource(7))));
    expect(drawn[0]?.normals).toEqual(drawn[1]?.normals);
    expect(drawn[0]?.commitment).toMatch(/^[0-9a-f]{64}$/);
    expect(drawn[0]?.commitment).not.toBe(drawn[1]?.commitment);
  });
});

it('is overwritten in memory when it is to be forgotten', async () => {
  const noise = await drawCentralNoise(50, secureRandomSource());
  noise.forget();
  expect(new Set(new Float64Array(noise.normals.buffer))).toEqual(new Set([0]));
});

describe('what is released', () => {
  const scale = { centre: null, clippingNormL2: 2, noiseMultiplier: 2, plannedClients: 8 };

  it('is centre + (sum + noise) / planned clients, each value rounded to float32 once', () => {
    const centre = Float32Array.of(10, 0);
    const released = releasedAggregate(Float64Array.of(1, -2), Float64Array.of(0.5, 3), { ...scale, centre });
    expect([...released]).toEqual([10 + 3 / 8, 10 / 8]);
    const third = releasedAggregate(Float64Array.of(1), Float64Array.of(0), { ...scale, plannedClients: 3 });
    expect(third[0]).toBe(Math.fround(1 / 3));
  });

  it('is on a grid before the denominator, whatever the sum was: no low-order bit of it gets out', () => {
    const grid = noiseGrid(2, 50);
    const sums = fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 50, maxLength: 50 });
    fc.assert(
      fc.property(sums, fc.nat(), (sum, seed) => {
        const normals = standardNormals(seededRandomSource(seed), 50);
        const released = releasedAggregate(Float64Array.from(sum), normals, scale);
        expect(released.every((value) => Number.isInteger((value * 8) / grid))).toBe(true);
      }),
      { seed: 2, numRuns: 50 },
    );
  });

  it('moves exactly with a sum on the grid: sum and noise are added without an error', () => {
    const normals = standardNormals(seededRandomSource(4), 50);
    const move = 321 * noiseGrid(2, 50);
    const [still, moved] = [0, move].map((at) => releasedAggregate(new Float64Array(50).fill(at), normals, scale));
    expect(moved?.map((value) => value - move / 8)).toEqual(still);
  });
});
