// Whether the updates lie as close together as the rule's proof asks of the honest ones: their standard deviation over the
// norm of their mean, sqrt(1/(n-1) sum |x_i - mean|^2) / |mean|, against a limit (`Assumptions.largestSpread`). Both as
// ByzantineMomentum computes them (LPD-EPFL/ByzantineMomentum, tools/pytorch.py `compute_avg_dev_max`, and `upper_bound` of
// its rules). From distances and norms alone:
//   sum |x_i - mean|^2 = 1/n sum over pairs of D_ij,   |mean|^2 = 1/n (sum |x_i|^2 - sum |x_i - mean|^2).
// It is taken over all updates, as nobody knows which are honest: attackers influence it, either way.

import type { Distances } from '../cohort.ts';
import type { AggregationRule } from '../rule.ts';
import type { Condition } from './explanation.ts';
import { errorOf, sumOf } from './rounding.ts';

export interface Observed {
  readonly distances: Distances;
  /** Squared L2 norm of each row. */
  readonly squaredNorms: Float64Array;
  readonly f: number;
}

/** Null where the rule has no limit, none for that n and f (as MDA for f = 0), or fewer than two updates were given. */
export function conditionOf(rule: AggregationRule, observations: Observed): Condition | null {
  const { n } = observations.distances;
  const { largestSpread } = rule.assumes;
  const limit = largestSpread?.ratio(n, observations.f) ?? NaN;
  if (largestSpread === null || n < 2 || !Number.isFinite(limit)) return null;
  const observed = spreadOverNorm(observations);
  return { observed, limit, satisfied: observed <= limit, source: largestSpread.source };
}

/** With both figures; null where the condition holds. */
export function conditionWarning({ name }: AggregationRule, condition: Condition | null): string | null {
  if (condition === null || condition.satisfied) return null;
  const { observed, limit, source } = condition;
  const spread =
    observed < Infinity ? `is ${observed.toPrecision(3)}` : 'has no bound (their mean is lost in rounding)';
  return (
    `the proof of ${name} allows honest updates a ratio of standard deviation to the norm of their mean of at most ` +
    `${limit.toPrecision(3)} (${source}); over all updates it ${spread}, a figure that attackers influence`
  );
}

/** 0 of equal updates; Infinity where the norm of the mean is nothing but rounding. */
function spreadOverNorm({ distances, squaredNorms }: Observed): number {
  const { n, squared } = distances;
  // Every pair stands twice.
  const deviations = sumOf(squared) / (2 * n);
  if (deviations === 0) return 0;
  const norms = sumOf(squaredNorms);
  const mean = (norms - deviations) / n;
  const rounding = (errorOf(distances) * (norms + deviations)) / n;
  return mean > rounding ? Math.sqrt(deviations / (n - 1) / mean) : Infinity;
}
