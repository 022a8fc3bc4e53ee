// The port's laws over the definitions in plain loops. Sums of float64 differ by their order alone: 1e-12; values that
// are rounded to float32 by at most one unit in the last place.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cohort, Combination, Mixture } from '../../../../server/aggregation/cohort.ts';
import type { Kernel } from '../../../../server/aggregation/kernels/kernel.ts';
import { openKernel } from '../../../../server/aggregation/kernels/open-kernel.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { seededMixture, seededRows } from './kernel-world.ts';

const [N, D] = [9, 2500];
const rows = seededRows(N, D, 'laws');
const point = seededRows(1, D, 'point')[0] ?? new Float32Array();
const mixture = seededMixture(6, N, 'laws');

let kernel: Kernel;
beforeAll(async () => (kernel = await openKernel({ threads: 1 })));
afterAll(() => kernel.close());

function expectNear(found: ArrayLike<number>, expected: ArrayLike<number>, relative: number): void {
  expect(found).toHaveLength(expected.length);
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const apart = Array.from(found, (value, i) => Math.abs(value - (expected[i] ?? NaN)));
  expect(apart.every((difference) => difference <= relative * largest)).toBe(true);
}

const kinds: readonly (readonly [string, (cohort: Cohort) => Cohort])[] = [
  ['rows as they are', (cohort) => cohort],
  ['a mixture of them', (cohort) => cohort.mixed(mixture)],
  ['some of them', (cohort) => cohort.only([1, 2, 4, 7, 8])],
  ['a mixture of some of them', (cohort) => cohort.only([0, 3, 5, 8]).mixed(seededMixture(5, 4, 'few'))],
  ['some rows of a mixture', (cohort) => cohort.mixed(mixture).only([0, 2, 3, 5])],
];

describe.each(kinds)('%s', (_, of) => {
  const plain = of(plainCohort(rows));
  const weights = Float64Array.from({ length: plain.n }, (__, j) => j % 3);

  it('know their size', () => {
    expect(of(kernel.cohort(rows, D))).toMatchObject({ n: plain.n, d: D });
  });

  it('have the distances of the definition, symmetric to the last bit, in float64 where that is cheap', async () => {
    const cohort = of(kernel.cohort(rows, D));
    const { n, squared, relativeError } = await cohort.squaredDistances();
    expectNear(squared, (await plain.squaredDistances()).squared, 1e-6);
    expect(relativeError).toBe(0);
    expect(Array.from({ length: n * n }, (__, i) => squared[(i % n) * n + Math.floor(i / n)])).toEqual([...squared]);
    expect((await cohort.exactSquaredDistances()).squared).toEqual(squared);
  });

  it.each([undefined, point])('have the distances to a point, or to zero', async (to) => {
    const found = await of(kernel.cohort(rows, D)).squaredDistancesTo(to);
    expectNear(found, await plain.squaredDistancesTo(to), 1e-6);
  });

  it.each<Combination>([
    { weights, divisor: 4 },
    { weights, divisor: 0.3, plus: { point, weight: -2 } },
  ])('are combined', async (combination) => {
    const found = await of(kernel.cohort(rows, D)).combine(combination);
    expectNear(found, await plain.combine(combination), 3e-7);
  });

  it.each([{ kind: 'median' }, { kind: 'trimmed', trim: 1 }, { kind: 'around-median', keep: 3 }] as const)(
    'are averaged by coordinates: $kind',
    async (window) => {
      const found = await of(kernel.cohort(rows, D)).coordinateWise(window);
      const expected = await plain.coordinateWise(window);
      expectNear(found.values, expected.values, 3e-7);
      expectNear(found.shares, expected.shares, 1e-9);
    },
  );

  it('are gathered at coordinates, in the order asked for', async () => {
    const coordinates = Uint32Array.of(2499, 0, 1024, 1023, 7, 7, 2048);
    const found = await of(kernel.cohort(rows, D)).gather(coordinates);
    const expected = await plain.gather(coordinates);
    expect(found).toHaveLength(plain.n);
    found.forEach((row, r) => expectNear(row, expected[r] ?? [], 1e-7));
    expect(await of(kernel.cohort(rows, D)).gather(new Uint32Array())).toEqual(expected.map(() => new Float32Array()));
  });
});

describe('mixtures', () => {
  const third: Mixture = { coefficients: [Float64Array.of(1, 1, 1)], divisors: Float64Array.of(3) };

  it('are rounded once, however many are stacked', async () => {
    // 2^24 + 1 has no float32: rounded in between, the difference would be 0.
    const values = [2 ** 24, 5, 1].map((value) => Float32Array.of(value));
    const spread: Mixture = {
      coefficients: [Float64Array.of(1, 0, 1), Float64Array.of(1, 0, 0)],
      divisors: Float64Array.of(1, 1),
    };
    const difference: Mixture = { coefficients: [Float64Array.of(1, -1)], divisors: Float64Array.of(1) };
    const stacked = kernel.cohort(values, 1).mixed(spread).mixed(difference);
    expect(await stacked.gather(Uint32Array.of(0))).toEqual([Float32Array.of(1)]);
    expect(await stacked.combine({ weights: Float64Array.of(1), divisor: 1 })).toEqual(Float32Array.of(1));
    expect(await stacked.squaredDistancesTo()).toEqual(Float64Array.of(1));
  });

  it('leave rows of coefficient 0 out', async () => {
    const values = [Float32Array.of(1), Float32Array.of(2), Float32Array.of(6)];
    const image = kernel.cohort(values, 1).mixed({ ...third, coefficients: [Float64Array.of(3, 0, 0)] });
    expect(await image.gather(Uint32Array.of(0))).toEqual([Float32Array.of(1)]);
    expect(await image.combine({ weights: Float64Array.of(1), divisor: 2 })).toEqual(Float32Array.of(0.5));
  });

  it('compute their norms once, so that files are not read again for them', async () => {
    const cohort = kernel.cohort(rows, D);
    expect(await cohort.squaredDistancesTo()).toBe(await cohort.squaredDistancesTo());
  });

  it('combine rows without reading those of weight 0, and none at all to zeros', async () => {
    const missing = { path: join(temporaryFolder(), 'missing'), byteOffset: 0 };
    const cohort = kernel.cohort([Float32Array.of(4, 6), missing], 2);
    expect(await cohort.combine({ weights: Float64Array.of(1, 0), divisor: 2 })).toEqual(Float32Array.of(2, 3));
    expect(await cohort.combine({ weights: Float64Array.of(0, 0), divisor: 2 })).toEqual(Float32Array.of(0, 0));
    await expect(cohort.combine({ weights: Float64Array.of(1, 1), divisor: 2 })).rejects.toThrow('missing');
  });

  it('do not follow what their makers do with the coefficients later', async () => {
    const coefficients = [Float64Array.of(1, 1, 1)];
    const image = kernel
      .cohort(
        [1, 2, 6].map((value) => Float32Array.of(value)),
        1,
      )
      .mixed({ ...third, coefficients });
    coefficients[0]?.fill(7);
    expect(await image.gather(Uint32Array.of(0))).toEqual([Float32Array.of(3)]);
  });
});

it('computes distances once for all who ask, meanwhile or later', async () => {
  const cohort = kernel.cohort(rows, D);
  const asked = cohort.squaredDistances();
  expect(cohort.exactSquaredDistances()).toBe(asked);
  expect(await cohort.squaredDistances()).toBe(await asked);
});

it('computes distances of large cohorts in float32 tiles, within the relative error it states', async () => {
  const [n, d] = [180, 8300];
  const values = seededRows(n, d, 'tiles');
  const cohort = kernel.cohort(values, d);
  const { squared, relativeError } = await cohort.squaredDistances();
  const exact = await cohort.exactSquaredDistances();
  expect([relativeError, exact.relativeError]).toEqual([1e-6, 0]);
  expect(squared.some((value, i) => value !== exact.squared[i])).toBe(true);
  const errors = squared.map((value, i) => (value === 0 ? 0 : Math.abs(value / (exact.squared[i] ?? NaN) - 1)));
  expect(errors.every((error) => error <= 1e-6)).toBe(true);
  const plain = await plainCohort(values.slice(0, 3)).squaredDistances();
  [0, 1, 2].forEach((i) =>
    expectNear(exact.squared.subarray(i * n, i * n + 3), plain.squared.subarray(3 * i, 3 * i + 3), 1e-12),
  );
});

it('is a fault where lengths differ, or for rows and coordinates that are not there', async () => {
  expect(() => kernel.cohort([new Float32Array(3), new Float32Array(2)], 3)).toThrow(InvariantError);
  const cohort = kernel.cohort(rows, D);
  expect(() => cohort.only([N])).toThrow(InvariantError);
  expect(() => cohort.mixed(mixture).only([6])).toThrow(InvariantError);
  await expect(cohort.gather(Uint32Array.of(D))).rejects.toThrow(InvariantError);
});
