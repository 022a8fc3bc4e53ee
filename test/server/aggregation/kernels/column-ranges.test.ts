import { expect, it } from 'vitest';
import { columnRanges } from '../../../../server/aggregation/kernels/column-ranges.ts';
import { fc } from '../../../support/properties.ts';

it('covers every column once, in order, by at most 16 ranges of whole pages', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000_000 }), (d) => {
      const ranges = columnRanges(d);
      expect(ranges.length).toBeLessThanOrEqual(16);
      expect(ranges.map(({ from }) => from)).toEqual([0, ...ranges.slice(0, -1).map(({ to }) => to)]);
      expect(ranges.at(-1)?.to).toBe(d);
      expect(ranges.slice(0, -1).every(({ from, to }) => to > from && to % 1024 === 0)).toBe(true);
    }),
  );
});

it('has one range for no columns at all, and many for a million', () => {
  expect(columnRanges(0)).toEqual([{ from: 0, to: 0 }]);
  expect(columnRanges(1_000_000)).toHaveLength(16);
});
