// A quorum in front of a rule: a federation may ask for more updates than its rule needs for f.

import { refuse } from '../../shared/protocol/refusals.ts';
import type { AggregationRule } from './rule.ts';

/** The same rule, refusing `cohort-too-small` below `quorum` updates. */
export function atLeast(rule: AggregationRule, quorum: number): AggregationRule {
  return {
    ...rule,
    minimumCohort: (f) => Math.max(quorum, rule.minimumCohort(f)),
    aggregate(updates, f) {
      if (updates.length >= quorum) return rule.aggregate(updates, f);
      return refuse('cohort-too-small', { expected: `a quorum of ${quorum} updates`, found: `${updates.length}` });
    },
  };
}
