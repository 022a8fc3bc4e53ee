// A quorum in front of a rule: a federation may ask for more updates than its rule needs for f.

import { refuse } from '../../shared/protocol/refusals.ts';
import type { AggregationRule } from './rule.ts';

/** The same rule, refusing `cohort-too-small` below `quorum` updates. */
export function atLeast(rule: AggregationRule, quorum: number): AggregationRule {
  return {
    ...rule,
    minimumCohort: (f) => Math.max(quorum, rule.minimumCohort(f)),
    async aggregate(input) {
      const { n } = input.cohort;
      if (n >= quorum) return await rule.aggregate(input);
      return refuse('cohort-too-small', { expected: `a quorum of ${quorum} updates`, found: `${n}` });
    },
  };
}
