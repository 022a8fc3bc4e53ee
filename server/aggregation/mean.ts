// The plain mean of all updates. It tolerates no liar: one client moves it anywhere within the bounds that the anomaly
// stage puts on a single update, divided by n. f is recorded with the round and ignored here; the twin run of a
// simulation uses this rule to show what the others prevent.

import { isRefused } from '../../shared/protocol/refusals.ts';
import { average } from './average.ts';
import { orderCohort } from './cohort.ts';
import type { AggregationRule } from './rule.ts';

const MINIMUM_COHORT = 1;

export const mean: AggregationRule = {
  name: 'mean',
  variant: 'unweighted',
  minimumCohort: () => MINIMUM_COHORT,
  aggregate(updates) {
    const cohort = orderCohort(updates, MINIMUM_COHORT);
    if (isRefused(cohort)) return cohort;
    return {
      kind: 'aggregate',
      values: average(cohort.updates.map(({ values }) => values)),
      selected: cohort.updates.map(({ client }) => client),
      scores: new Map(),
      m: cohort.updates.length,
      neighbours: null,
    };
  },
};
