import { describe, expect, it } from 'vitest';
import { poissonSample } from '../../../client-sdk/privacy/poisson-sample.ts';
import { seededRandomSource } from '../../../shared/random-source.ts';

describe('poissonSample', () => {
  it('draws batches whose sizes follow the binomial distribution', () => {
    const [random, draws, count, rate] = [seededRandomSource(1), 4000, 400, 0.1];
    const sizes = Array.from({ length: draws }, () => poissonSample(random, count, rate).length);
    const mean = sizes.reduce((sum, size) => sum + size, 0) / draws;
    const variance = sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / (draws - 1);
    const expectedVariance = count * rate * (1 - rate);
    // Four standard errors of each estimate.
    expect(Math.abs(mean - count * rate)).toBeLessThan(4 * Math.sqrt(expectedVariance / draws));
    expect(Math.abs(variance - expectedVariance)).toBeLessThan(4 * expectedVariance * Math.sqrt(2 / draws));
  });

  it('takes each example, and each pair of neighbours, as often as independence says', () => {
    const [random, draws, rate] = [seededRandomSource(2), 20_000, 0.3];
    const alone = new Float64Array(5);
    let together = 0;
    for (let i = 0; i < draws; i++) {
      const batch = poissonSample(random, 5, rate);
      for (const example of batch) alone[example] = (alone[example] ?? 0) + 1;
      if (batch.includes(1) && batch.includes(2)) together++;
    }
    for (const times of alone) expect(Math.abs(times / draws - rate)).toBeLessThan(0.013);
    expect(Math.abs(together / draws - rate ** 2)).toBeLessThan(0.008);
  });

  it('gives ascending indices without repeats, all of them at rate 1 and none of nothing', () => {
    expect([...poissonSample(seededRandomSource(3), 4, 1)]).toEqual([0, 1, 2, 3]);
    expect([...poissonSample(seededRandomSource(3), 0, 0.5)]).toEqual([]);
    const batch = poissonSample(seededRandomSource(4), 100, 0.5);
    expect([...batch]).toEqual([...new Set(batch)].sort((a, b) => a - b));
  });

  it.each([0, -0.1, 1.5, NaN])('refuses a sampling rate of %s', (rate) => {
    expect(() => poissonSample(seededRandomSource(5), 10, rate)).toThrow(/sampling rate/);
  });
});
