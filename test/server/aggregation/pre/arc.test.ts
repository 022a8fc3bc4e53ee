import { describe, expect, it } from 'vitest';
import { arcDeclared } from '../../../../server/aggregation/pre/arc.ts';
import { anyValue, cohortCase } from '../../../support/rule-cases.ts';
import { P7, V } from '../../../support/published-cohorts.ts';
import { imageOf, madeOf, nearRows, normOf, refusedCode } from './images.ts';
import { fc } from '../../../support/properties.ts';

const arc = madeOf(arcDeclared);
const leastOf = (f: number): number => 2 * f + 1;

describe('ARC', () => {
  it('is that of ByzFL: with n = 3 and f = 1 it clips the longest to the next', async () => {
    const expected = [...V.slice(0, 2), [4.41004009, 5.04004582, 5.67005155]];
    expect(await imageOf(arc, V, 1)).toEqual(nearRows(expected));
  });

  it('clips two of P7 to the square root of 41', async () => {
    const expected = [P7[0], [4.09918025, 4.9190163], [1.75907351, 6.15675729], ...P7.slice(3)];
    expect(await imageOf(arc, P7, 2)).toEqual(nearRows(expected));
  });

  it('leaves everything where no liar is tolerated', async () => {
    expect(await imageOf(arc, P7, 0)).toEqual(P7);
  });

  it('leaves at most floor(2 (f/n) (n - f)) updates other than they were, none longer than the next', () =>
    fc.assert(
      fc.asyncProperty(cohortCase(anyValue, leastOf), async ({ f, rows }) => {
        const image = await imageOf(arc, rows, f);
        const k = Math.floor(2 * (f / rows.length) * (rows.length - f) + 1e-9);
        const limit = rows.map(normOf).sort((a, b) => b - a)[k] ?? NaN;
        // Rounding to float32 adds up to half of its least step, 2^-149, where values are that small.
        for (const row of image) expect(normOf(row)).toBeLessThanOrEqual(limit * (1 + 1e-6) + 2 ** -147);
        const changed = image.filter((row, i) => normOf(row) < normOf(rows[i] ?? []) * (1 - 1e-6));
        expect(changed.length).toBeLessThanOrEqual(k);
      }),
    ));

  it('refuses fewer than 2f + 1 updates', async () => {
    expect(await refusedCode(arc, V, 2)).toBe('cohort-too-small');
    expect(arc.minimumCohort(3)).toBe(7);
  });
});
