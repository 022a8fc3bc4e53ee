import { describe, expect, it } from 'vitest';
import { bucketingDeclared } from '../../../../server/aggregation/pre/bucketing.ts';
import type { PreAggregator } from '../../../../server/aggregation/pre/pre-aggregator.ts';
import { accepted } from '../../../../shared/protocol/refusals.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { imageOf, madeOf } from './images.ts';
import { fc } from '../../../support/properties.ts';

const bucketing = (size?: number): PreAggregator => madeOf(bucketingDeclared, size === undefined ? {} : { size });
const rowsOf = (n: number) => Array.from({ length: n }, (_, i) => [2 ** i]);
const prepared = async (n: number, size: number, seed: string) =>
  accepted(await bucketing(size).prepare({ cohort: plainCohort(rowsOf(n)), f: 0, seed }));

describe('bucketing', () => {
  it('puts every row into one bucket, and keeps what is left over', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.string(),
        async (n, size, seed) => {
          const { mixture, home } = await prepared(n, size, seed);
          const sizes = mixture.coefficients.map((bucket) => bucket.reduce((sum, value) => sum + value, 0));
          expect(sizes).toEqual([...mixture.divisors]);
          expect(sizes).toHaveLength(Math.ceil(n / size));
          expect(bucketing(size).rowsAfter(n)).toBe(sizes.length);
          expect(sizes.slice(0, -1).every((count) => count === size)).toBe(true);
          expect(sizes.at(-1)).toBe(n % size || size);
          home.forEach((bucket, row) =>
            mixture.coefficients.forEach((members, at) => expect(members[row]).toBe(at === bucket ? 1 : 0)),
          );
        },
      ),
    ));

  it('takes the mean of each bucket, of two unless told otherwise', async () => {
    const image = await imageOf(bucketing(), [[1], [1], [1], [4], [4], [4], [4]], 0);
    expect(image).toHaveLength(4);
    for (const [value = NaN] of image) expect([1, 2.5, 4]).toContain(value);
  });

  it('draws the same buckets for the same seed, and others for another', async () => {
    const [one, again, other] = [await prepared(12, 2, 'a'), await prepared(12, 2, 'a'), await prepared(12, 2, 'b')];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('puts any two rows together about as often', async () => {
    let together = 0;
    for (let seed = 0; seed < 600; seed++) {
      const { home } = await prepared(5, 2, `${seed}`);
      if (home[0] === home[1]) together++;
    }
    expect(together / 600).toBeGreaterThan(0.14); // 0.2 of the 10 pairs in 2 buckets, plus or minus 3.7 deviations
    expect(together / 600).toBeLessThan(0.26);
  });

  it('needs a seed, and a whole size', async () => {
    const given = { cohort: plainCohort(rowsOf(4)), f: 0, seed: null };
    expect(await bucketing().prepare(given)).toMatchObject({ refusal: { code: 'bad-option' } });
    expect(bucketing().draws).toBe(true);
    for (const options of [{ size: 0 }, { size: 1.5 }, { seed: 'a' }])
      expect(bucketingDeclared.make(options)).toMatchObject({ refusal: { code: 'bad-option' } });
  });
});
