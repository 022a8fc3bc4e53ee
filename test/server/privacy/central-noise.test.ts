import { describe, expect, it } from 'vitest';
import { drawCentralNoise, releasedAggregate } from '../../../server/privacy/central-noise.ts';
import { secureRandomSource, seededRandomSource } from '../../../shared/random-source.ts';
import { KS_CRITICAL_P_001, ksStatistic } from '../../support/kolmogorov-smirnov.ts';

describe('the noise of a round under central privacy', () => {
  it('is standard normal, and a test that passes it rejects two thirds and three halves of it', async () => {
    const { normals } = await drawCentralNoise(20_001, secureRandomSource());
    expect(normals).toHaveLength(20_001);
    expect(ksStatistic(normals)).toBeLessThan(KS_CRITICAL_P_001);
    for (const wrong of [2 / 3, 3 / 2])
      expect(ksStatistic(normals.map((value) => wrong * value))).toBeGreaterThan(KS_CRITICAL_P_001);
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

describe('what is released', () => {
  it('is centre + (sum + noise) / planned clients, each value rounded to float32 once', () => {
    const released = releasedAggregate(Float64Array.of(1, -2), Float64Array.of(0.5, 3), {
      centre: Float32Array.of(10, 0),
      stdDev: 4,
      plannedClients: 8,
    });
    expect([...released]).toEqual([10 + 3 / 8, 10 / 8]);
    const third = releasedAggregate(Float64Array.of(1), Float64Array.of(0), {
      centre: null,
      stdDev: 1,
      plannedClients: 3,
    });
    expect(third[0]).toBe(Math.fround(1 / 3));
  });
});
