// Clipping to the median of the norms (of an even number the mean of the two in the middle), as FLAME does with what it
// keeps (Nguyen et al. 2022, arXiv 2101.02281, section 4.3). The median is an honest norm, or between two, for 2f < n.

import { z } from 'zod';
import { median } from '../../../shared/vector/vector.ts';
import { declare } from '../../../shared/declare.ts';
import { requireCohort } from '../require-cohort.ts';
import { clippedTo } from './clip.ts';
import type { PreAggregator } from './pre-aggregator.ts';

const minimumCohort = (f: number): number => 2 * f + 1;

const clipToMedian: PreAggregator = {
  name: 'clip-to-median',
  variant: 'to the median L2 norm',
  draws: false,
  rowsAfter: (n) => n,
  minimumCohort,
  async prepare({ cohort, f }) {
    const tooSmall = requireCohort(cohort, minimumCohort(f));
    if (tooSmall) return tooSmall;
    const squared = await cohort.squaredDistancesTo();
    const norms = squared.map(Math.sqrt);
    return clippedTo(norms, median([...norms]));
  },
};

export const clipToMedianDeclared = declare({
  name: 'clip-to-median',
  options: z.strictObject({}),
  make: () => clipToMedian,
});
