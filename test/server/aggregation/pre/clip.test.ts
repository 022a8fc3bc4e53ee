import { describe, expect, it } from 'vitest';
import { clipDeclared } from '../../../../server/aggregation/pre/clip.ts';
import type { PreAggregator } from '../../../../server/aggregation/pre/pre-aggregator.ts';
import { anyValue, cohortCase } from '../../../support/rule-cases.ts';
import { V } from '../../../support/published-cohorts.ts';
import { imageOf, madeOf, nearRows, normOf } from './images.ts';
import { fc } from '../../../support/properties.ts';

const clip = (norm: number): PreAggregator => madeOf(clipDeclared, { norm });
/** Zero has no sign here: a sum from zero on loses it. */
const unsigned = (value: number): number => value + 0;

describe('clipping', () => {
  it('to norm 2 is that of ByzFL', async () => {
    const expected = [
      [0.53452248, 1.06904497, 1.60356745],
      [0.91168461, 1.13960576, 1.36752692],
      [1.00514142, 1.14873305, 1.29232469],
    ];
    expect(await imageOf(clip(2), V, 1)).toEqual(nearRows(expected));
  });

  it('never leaves a norm above the bound by more than a rounding, and turns nothing', () =>
    fc.assert(
      fc.asyncProperty(
        cohortCase(anyValue),
        fc.float({ min: Math.fround(1e-3), max: 300, noNaN: true }),
        async ({ f, rows }, norm) => {
          const image = await imageOf(clip(norm), rows, f);
          image.forEach((row, i) => {
            const raw = rows[i] ?? [];
            expect(normOf(row)).toBeLessThanOrEqual(Math.min(norm, normOf(raw)) * (1 + 1e-6) + 1e-40);
            if (normOf(raw) <= norm) return expect(row).toEqual([...Float32Array.from(raw)].map(unsigned));
            expect(normOf(row)).toBeGreaterThanOrEqual(norm * (1 - 1e-6));
            row.forEach((value, k) => expect(value).toBeCloseTo(((raw[k] ?? NaN) * norm) / normOf(raw), 4));
          });
        },
      ),
    ));

  it('leaves zero and the ends of float32 finite', async () => {
    const image = await imageOf(
      clip(1),
      [
        [0, 0],
        [3.4e38, -3.4e38],
        [1e-45, 0],
      ],
      0,
    );
    expect(image).toEqual([[0, 0], nearRows([[Math.SQRT1_2, -Math.SQRT1_2]])[0], [expect.any(Number), 0]]);
    expect(image[2]?.[0]).toBe(Math.fround(1e-45));
  });

  it('takes a positive norm and nothing else', () => {
    for (const options of [{}, { norm: 0 }, { norm: -1 }, { norm: '2' }, { norm: 2, size: 1 }, { norm: Infinity }])
      expect(clipDeclared.make(options)).toMatchObject({ refusal: { code: 'bad-option' } });
  });
});
