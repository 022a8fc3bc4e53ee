// ARC, adaptive robust clipping (Allouah et al. 2025, arXiv 2405.14432, algorithm 2): the k = floor(2 (f/n) (n - f)) updates
// of largest norm are clipped to the norm that comes next. Nothing to set.

import { z } from 'zod';
import { declare } from '../../../shared/declare.ts';
import { requireCohort } from '../require-cohort.ts';
import { clippedTo } from './clip.ts';
import type { PreAggregator } from './pre-aggregator.ts';

const minimumCohort = (f: number): number => 2 * f + 1;

const arc: PreAggregator = {
  name: 'arc',
  variant: 'the floor(2(f/n)(n-f)) largest L2 norms to the next',
  draws: false,
  rowsAfter: (n) => n,
  minimumCohort,
  async prepare({ cohort, f }) {
    const tooSmall = requireCohort(cohort, minimumCohort(f));
    if (tooSmall) return tooSmall;
    const squared = await cohort.squaredDistancesTo();
    const norms = squared.map(Math.sqrt);
    const largestFirst = norms.slice().sort().reverse();
    return clippedTo(norms, largestFirst[clippedOf(cohort.n, f)] ?? NaN);
  },
};

/** At most n / 2. */
const clippedOf = (n: number, f: number): number => Math.floor((2 * f * (n - f)) / n);

/** Of a rule of `kappa` behind ARC. Source: theorem 3.2 there, for any rule that is robust at all (kappa >= f / (n - 2f)). */
export const kappaBehindArc = (kappa: number): number => 3 * kappa;

export const arcDeclared = declare({ name: 'arc', options: z.strictObject({}), make: () => arc });
