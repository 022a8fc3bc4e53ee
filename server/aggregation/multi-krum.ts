// Multi-Krum (Blanchard et al. 2017, section 5): the mean of the m updates with the lowest Krum scores, all scored once
// over the whole cohort. m is n - f - 2 unless fixed; a fixed m is never cut down to a smaller cohort, it raises the
// least cohort to m + f + 2 instead, since beyond n - f - 2 nothing keeps liars out of the mean.
// Ties go to the lower client id. Refuses n < 2f + 3, whatever m.

import { InvariantError } from '../../shared/invariant-error.ts';
import { isRefused } from '../../shared/protocol/refusals.ts';
import { average } from './average.ts';
import { orderCohort } from './cohort.ts';
import { KRUM_VARIANT, krumMinimumCohort, krumNeighbours, krumScores } from './krum-scores.ts';
import type { Aggregate, AggregationRule, CohortUpdate } from './rule.ts';

/** @throws InvariantError when m is given and not a whole number of at least 1. */
export function multiKrum(m?: number): AggregationRule {
  if (m !== undefined && !(Number.isInteger(m) && m >= 1))
    throw new InvariantError(`multi-Krum averages a whole number m >= 1 of updates, found ${m}`);
  const minimumCohort = (f: number): number => Math.max(krumMinimumCohort(f), (m ?? 1) + f + 2);
  return {
    name: 'multi-krum',
    variant: KRUM_VARIANT,
    minimumCohort,
    aggregate(updates, f) {
      const cohort = orderCohort(updates, minimumCohort(f));
      if (isRefused(cohort)) return cohort;
      return averageOfBest(cohort.updates, f, m ?? krumNeighbours(cohort.updates.length, f));
    },
  };
}

/** `updates` in the order of client ids. */
function averageOfBest(updates: readonly CohortUpdate[], f: number, m: number): Aggregate {
  const scores = krumScores(
    updates.map(({ values }) => values),
    f,
  );
  const scored = updates.map((update, i) => ({ ...update, score: scores[i] ?? NaN }));
  // The sort is stable: equal scores stay in the order of ids.
  const best = new Set([...scored].sort((a, b) => a.score - b.score).slice(0, m));
  const selected = scored.filter((update) => best.has(update));
  return {
    kind: 'aggregate',
    values: average(selected.map(({ values }) => values)),
    selected: selected.map(({ client }) => client),
    scores: new Map(scored.map(({ client, score }) => [client, score])),
    m,
    neighbours: krumNeighbours(updates.length, f),
  };
}
