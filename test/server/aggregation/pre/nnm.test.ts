import { describe, expect, it } from 'vitest';
import type { Cohort } from '../../../../server/aggregation/cohort.ts';
import { nnmDeclared } from '../../../../server/aggregation/pre/nnm.ts';
import { accepted } from '../../../../shared/protocol/refusals.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { anyValue, cohortCase } from '../../../support/rule-cases.ts';
import { P7, V } from '../../../support/published-cohorts.ts';
import { fewRows, squaredDistance } from '../rules/robustness-ratio.ts';
import { imageOf, madeOf, refusedCode } from './images.ts';
import { near } from '../rules/near.ts';
import { fc } from '../../../support/properties.ts';

const nnm = madeOf(nnmDeclared);
const leastOf = (f: number): number => 2 * f + 1;

describe('nearest-neighbour mixing', () => {
  it('is that of ByzFL: the lower of two rows as near', async () => {
    expect(await imageOf(nnm, V, 1)).toEqual([
      [2.5, 3.5, 4.5],
      [2.5, 3.5, 4.5],
      [5.5, 6.5, 7.5],
    ]);
  });

  it('mixes the two groups of P7', async () => {
    const [far, close] = [near([3.4, 4.6]), near([2.4, 2.2])];
    expect(await imageOf(nnm, P7, 2)).toEqual([far, far, far, far, close, close, close]);
  });

  it('makes all rows the mean where f = 0, to the last bit the same', () =>
    fc.assert(
      fc.asyncProperty(cohortCase(anyValue), async ({ rows }) => {
        const [first, ...others] = await imageOf(nnm, rows, 0);
        for (const other of others) expect(other).toEqual(first);
      }),
    ));

  it('counts a row among its own neighbours, even beside copies of it', async () => {
    const copies = [
      [1, 1],
      [1, 1],
      [1, 1],
      [9, 9],
      [9, 9],
    ];
    expect(await imageOf(nnm, copies, 2)).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
      near([19 / 3, 19 / 3]),
      near([19 / 3, 19 / 3]),
    ]);
  });

  it('mixes no far liar into an honest row', () =>
    fc.assert(
      fc.asyncProperty(cohortCase(anyValue, leastOf), async ({ f, rows }) => {
        const honest = rows.slice(f);
        const liars = rows.slice(0, f).map((row) => row.map(() => 1e20));
        const image = await imageOf(nnm, [...honest, ...liars], f);
        const mean = (honest[0] ?? []).map(
          (_, k) => honest.reduce((sum, row) => sum + (row[k] ?? NaN), 0) / honest.length,
        );
        for (const row of image.slice(0, honest.length)) expect(row).toEqual(near(mean, 3));
      }),
    ));

  it('takes variance and bias of any n - f rows down to 8f / (n - f) of the variance', () =>
    fc.assert(
      fc.asyncProperty(fewRows, async ({ f, rows }) => {
        const n = rows.length;
        const honest = rows.slice(0, n - f);
        const mean = (rows[0] ?? []).map(
          (_, k) => honest.reduce((sum, row) => sum + (row[k] ?? NaN), 0) / honest.length,
        );
        const spread = (some: readonly (readonly number[])[]): number =>
          some.reduce((sum, row) => sum + squaredDistance(row, mean), 0) / some.length;
        const image = await imageOf(nnm, rows, f);
        expect(spread(image.slice(0, n - f))).toBeLessThanOrEqual(((8 * f) / (n - f)) * spread(honest) + 1e-9);
      }),
    ));

  it('decides again over exact distances what float32 distances leave too close', async () => {
    const exact = plainCohort([[0], [1], [-1.0000001], [0.4], [-9]]);
    // Row 0 has its last neighbour in row 1, not in row 2; the figures of the tiles have them the wrong way round.
    const tiles: Cohort = {
      ...exact,
      squaredDistances: async () => {
        const { n, squared } = await exact.squaredDistances();
        const wrong = squared.map((value, i) => (i === 1 || i === n ? value * (1 + 3e-7) : value));
        return { n, squared: wrong, relativeError: 1e-6 };
      },
    };
    const chosen = async (cohort: Cohort) =>
      accepted(await nnm.prepare({ cohort, f: 2, seed: null })).mixture.coefficients;
    expect(await chosen(tiles)).toEqual(await chosen(exact));
    const settled: Cohort = { ...tiles, exactSquaredDistances: () => Promise.reject(new Error('no need')) };
    const apart = plainCohort([[0], [1], [3], [7], [20]]);
    const wellApart: Cohort = {
      ...settled,
      squaredDistances: async () => ({ ...(await apart.squaredDistances()), relativeError: 1e-6 }),
    };
    expect(await chosen(wellApart)).toEqual(await chosen(apart));
  });

  it('refuses fewer than 2f + 1 updates', async () => {
    expect(await refusedCode(nnm, V, 2)).toBe('cohort-too-small');
    expect(await refusedCode(nnm, V, 1)).toBeUndefined();
    expect(nnm.minimumCohort(4)).toBe(9);
  });
});
