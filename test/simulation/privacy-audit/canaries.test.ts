import { describe, expect, it } from 'vitest';
import { CLIPPING_NORM_L2, canaryGradients, takesPart } from '../../../simulation/privacy-audit/canaries.ts';

const CLIPPED = CLIPPING_NORM_L2 * (1 - 2 ** -10);

describe('canaries', () => {
  it('have each a weight of their own, and the clipping norm as their gradient in it', async () => {
    const sumClipped = await canaryGradients(13);
    for (let example = 0; example < 13; example++) {
      const { sum } = sumClipped(Uint32Array.of(example), CLIPPING_NORM_L2);
      const touched = [...sum].flatMap((value, weight) => (value === 0 ? [] : [{ weight, value }]));
      expect(touched).toEqual([{ weight: 2 * example, value: expect.closeTo(CLIPPED, 6) }]);
      expect(takesPart(2 * example)).toBe(true);
    }
  });

  it('would add four times as much were they not clipped', async () => {
    const { sum } = (await canaryGradients(13))(Uint32Array.of(3), Infinity);
    expect(sum[6]).toBeCloseTo(4 * CLIPPING_NORM_L2, 6);
  });

  it('leave the weights between them to those that take no part', async () => {
    const everybody = Uint32Array.from({ length: 13 }, (_, example) => example);
    const { sum } = (await canaryGradients(13))(everybody, CLIPPING_NORM_L2);
    const canaries = [...sum.subarray(0, 26)];
    expect(canaries.map((value) => value !== 0)).toEqual(canaries.map((_, canary) => takesPart(canary)));
    expect([...sum.subarray(26)].every((value) => value === 0)).toBe(true);
  });
});
