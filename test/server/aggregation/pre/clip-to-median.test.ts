import { describe, expect, it } from 'vitest';
import { clipToMedianDeclared } from '../../../../server/aggregation/pre/clip-to-median.ts';
import { V } from '../../../support/published-cohorts.ts';
import { imageOf, madeOf, nearRows, refusedCode } from './images.ts';

const clipToMedian = madeOf(clipToMedianDeclared);

describe('clipping to the median norm', () => {
  it('leaves the shorter half, and brings the others to the middle', async () => {
    expect(
      await imageOf(
        clipToMedian,
        [
          [3, 4],
          [0, 1],
          [0, 10],
        ],
        1,
      ),
    ).toEqual([
      [3, 4],
      [0, 1],
      [0, 5],
    ]);
    expect(
      await imageOf(
        clipToMedian,
        [
          [3, 4],
          [0, 1],
          [0, 10],
          [0, 7],
        ],
        1,
      ),
    ).toEqual(
      nearRows([
        [3, 4],
        [0, 1],
        [0, 6],
        [0, 6],
      ]),
    );
    expect(
      await imageOf(
        clipToMedian,
        [
          [0, 0],
          [0, 0],
          [0, 9],
        ],
        1,
      ),
    ).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  it('refuses fewer than 2f + 1 updates', async () => {
    expect(await refusedCode(clipToMedian, V, 2)).toBe('cohort-too-small');
    expect(await refusedCode(clipToMedian, V, 1)).toBeUndefined();
    expect(clipToMedian.minimumCohort(3)).toBe(7);
  });
});
