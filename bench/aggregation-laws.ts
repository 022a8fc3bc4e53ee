// Laws that hold for an aggregation rule whatever the updates are, tried on seeded cohorts: random ones, and ones in which
// f liars lie far out, near, or all on one point. Values are multiples of 2^-12, so that moving and doubling are exact.

import { explain } from '../server/aggregation/explain/explain.ts';
import type { AggregationRule } from '../server/aggregation/rule.ts';
import { shuffled } from '../shared/random-source.ts';
import { aggregateOf, distanceL2, mapped, meanOf, norm, subsetsOf, type Trial } from './aggregation-trials.ts';

export interface Law {
  readonly name: string;
  /** False of rules for which it does not hold by definition. */
  readonly concerns: (rule: AggregationRule) => boolean;
  readonly holds: (trial: Trial) => Promise<boolean>;
}

const SHIFT = 24;
/** Sums of up to a hundred float32 values of at most 32 differ by no more between their orders. */
const TOLERANCE = 2e-5;

const isNear = (a: Float32Array, b: Float32Array): boolean => distanceL2(a, b) <= TOLERANCE * Math.max(1, norm(b));

const not =
  (...names: readonly string[]) =>
  ({ name }: AggregationRule): boolean =>
    !names.includes(name);

export const laws: readonly Law[] = [
  {
    name: 'permutation',
    // Ties, which go by row, are no accident there: of two that are each other's nearest when Bulyan sums over one other,
    // and of subsets of one diameter. The coordinator orders rows by client id, whatever order they arrive in.
    concerns: not('bulyan', 'mda'),
    async holds(trial) {
      const order = shuffled(trial.random, [...trial.rows.keys()]);
      const rows = order.map((row) => trial.rows[row] ?? new Float32Array());
      return isNear((await aggregateOf({ ...trial, rows })).values, (await aggregateOf(trial)).values);
    },
  },
  {
    name: 'translation',
    // These look at norms, signs or directions, which have an origin.
    concerns: not('cge', 'sign-guard', 'fltrust'),
    async holds(trial) {
      const moved = (values: Float32Array): Float32Array => values.map((value) => value + SHIFT);
      const { values } = await aggregateOf(mapped(trial, moved));
      return isNear(values, moved((await aggregateOf(trial)).values));
    },
  },
  {
    name: 'scale',
    // tau is in the updates' own unit.
    concerns: not('centered-clipping'),
    async holds(trial) {
      const doubled = (values: Float32Array): Float32Array => values.map((value) => 2 * value);
      const { values } = await aggregateOf(mapped(trial, doubled));
      return isNear(values, doubled((await aggregateOf(trial)).values));
    },
  },
  {
    name: 'far outliers',
    concerns: not('mean'),
    async holds(trial) {
      const { f, rows, reference } = trial;
      const honest = rows.length - f;
      const far = rows.map((row, i) => (i < honest ? row : row.map((value) => -1e6 * (1 + Math.abs(value)))));
      const { selected, shares, values } = await aggregateOf({ ...trial, rows: far });
      // Bulyan may pick one, and then uses no value of it.
      const isUsed = selected !== null && shares.subarray(honest).some((share) => share !== 0);
      const reach = Math.max(...[...rows.slice(0, honest), ...(reference ? [reference] : [])].map((row) => norm(row)));
      // Centered clipping goes by at most tau a step.
      return !isUsed && norm(values) <= 30 + 10 * reach;
    },
  },
  {
    name: 'robustness',
    concerns: ({ assumes }) => assumes.robustness !== null,
    async holds(trial) {
      const { rule, rows, f } = trial;
      const limit = rule.assumes.robustness?.kappa(rows.length, f) ?? NaN;
      return (await observedKappa(trial)) <= limit * (1 + TOLERANCE);
    },
  },
  {
    name: 'certificate',
    concerns: not(),
    async holds(trial) {
      const { rule, rows, f, cohortOf } = trial;
      const aggregate = await aggregateOf(trial);
      const { certificate } = await explain({ cohort: cohortOf(rows), rule, aggregate, f });
      const furthest = Math.max(...subsetsOf(rows, f).map((kept) => distanceL2(aggregate.values, meanOf(kept))));
      return (
        certificate.bound >= furthest - 1e-9 &&
        (!certificate.exact || certificate.bound <= furthest * (1 + 1e-6) + 1e-6)
      );
    },
  },
];

/** The largest |aggregate - mean(S)|^2 over the variance of S, of all S of n - f updates that have one. */
export async function observedKappa(trial: Trial): Promise<number> {
  const { values } = await aggregateOf(trial);
  const ratios = subsetsOf(trial.rows, trial.f).map((kept) => {
    const mean = meanOf(kept);
    const variance = kept.reduce((sum, row) => sum + distanceL2(row, mean) ** 2, 0) / kept.length;
    return variance < 1e-6 ? 0 : distanceL2(values, mean) ** 2 / variance;
  });
  return Math.max(...ratios);
}
