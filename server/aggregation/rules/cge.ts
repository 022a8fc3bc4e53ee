// Comparative gradient elimination (Gupta, Liu, Vaidya 2020, "Byzantine fault-tolerant distributed machine learning using
// stochastic gradient descent (SGD) and norm-based comparative gradient elimination (CGE)"): the mean of the n - f updates
// of the smallest L2 norm, which are the scores. It cuts what is long and nothing else: a liar of honest length stays in,
// so that a norm alone decides who is heard. Ties go to the lower row. Needs n > 2f.

import { z } from 'zod';
import { declare } from '../../../shared/declare.ts';
import { requireCohort } from '../require-cohort.ts';
import type { AggregationRule } from '../rule.ts';
import { lowest } from './lowest.ts';
import { meanOfRows } from './mean-of-rows.ts';

const minimumCohort = (f: number): number => 2 * f + 1;

const cge: AggregationRule = {
  name: 'cge',
  variant: 'n-f smallest L2 norms, ties by client id',
  minimumCohort,
  assumes: {
    robustness: null,
    largestSpread: null,
    cost: 'n d',
    // One update replaced moves it alone across the cut, and at most one other the opposite way: of the n - f averaged,
    // one of norm <= C gives way to another.
    sensitivityL2: (n, f) => 2 / (n - f),
    draws: false,
    reference: 'none',
  },
  async aggregate({ cohort, f }) {
    const tooSmall = requireCohort(cohort, minimumCohort(f));
    if (tooSmall) return tooSmall;
    // The recorded figures decide, so that a reader finds the same selection: a root can make two squares equal.
    const norms = (await cohort.squaredDistancesTo()).map(Math.sqrt);
    const { rows } = lowest(norms, cohort.n - f);
    return meanOfRows(cohort, rows, { scores: norms, neighbours: null, warnings: [] });
  },
};

export const cgeDeclared = declare({ name: 'cge', options: z.strictObject({}), make: () => cge });
