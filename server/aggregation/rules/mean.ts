// The plain mean of all updates. It tolerates no liar: one client moves it anywhere within the bounds that the anomaly
// stage puts on a single update, divided by n. f is recorded with the round and ignored here; the twin run of a
// simulation uses this rule to show what the others prevent.

import { z } from 'zod';
import { declare } from '../../../shared/declare.ts';
import { requireCohort } from '../require-cohort.ts';
import type { AggregationRule } from '../rule.ts';

const mean: AggregationRule = {
  name: 'mean',
  variant: 'unweighted',
  minimumCohort: () => 1,
  assumes: {
    robustness: null,
    largestSpread: null,
    cost: 'n d',
    sensitivityL2: (n) => 2 / n,
    draws: false,
    reference: 'none',
  },
  async aggregate({ cohort }) {
    const { n } = cohort;
    const tooSmall = requireCohort(cohort, 1);
    if (tooSmall) return tooSmall;
    return {
      kind: 'aggregate',
      values: await cohort.combine({ weights: new Float64Array(n).fill(1), divisor: n }),
      selected: null,
      scores: null,
      shares: new Float64Array(n).fill(1 / n),
      m: n,
      neighbours: null,
      warnings: [],
    };
  },
};

export const meanDeclared = declare({ name: 'mean', options: z.strictObject({}), make: () => mean });
