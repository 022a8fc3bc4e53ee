// What the rules that work by coordinates share: n >= 2f + 1, so that the honest are a majority in every coordinate, one
// window over the sorted values of each (cohort.ts), and a bound on how far the liars move the mean over that window.

import type { Cohort, CoordinateWindow } from '../cohort.ts';
import { requireCohort } from '../require-cohort.ts';
import type { AggregationRule, Assumptions } from '../rule.ts';

interface ByCoordinate {
  readonly name: string;
  readonly variant: string;
  readonly assumes: Pick<Assumptions, 'robustness' | 'largestSpread' | 'sensitivityL2'>;
  windowOf(cohort: Cohort, f: number): CoordinateWindow;
}

export const honestMajority = (f: number): number => 2 * f + 1;

export function byCoordinate({ name, variant, assumes, windowOf }: ByCoordinate): AggregationRule {
  return {
    name,
    variant,
    minimumCohort: honestMajority,
    assumes: { ...assumes, cost: 'n d log n', draws: false, reference: 'none' },
    async aggregate({ cohort, f }) {
      const tooSmall = requireCohort(cohort, honestMajority(f));
      if (tooSmall) return tooSmall;
      const { values, shares } = await cohort.coordinateWise(windowOf(cohort, f));
      return {
        kind: 'aggregate',
        values,
        selected: null,
        scores: null,
        shares,
        m: null,
        neighbours: null,
        warnings: [],
      };
    },
  };
}

/**
 * kappa of the mean over all but the `trim` least and the `trim` largest values of each coordinate, f <= trim < n / 2, and
 * the least there is. For let S be n - f rows, s_1 <= s_2 … their values at a coordinate, less their mean, V the mean of
 * the s_k^2 and p = n - f - trim. The k-th value of all is at most s_k, hence the window's mean at most the mean of
 * s_{trim+1} … s_{n-trim}, which is at most u, the mean of the p largest s. The other `trim` sum to -p u, whence
 * (n - f) V >= p u^2 + (p u)^2 / trim, which is u^2 <= V trim / p; from below likewise. Equal where S holds two values
 * alone and the liars lie beyond the upper one.
 * With trim = f it is f / (n - 2f), which no rule undercuts; Allouah et al. 2023, proposition 2, have 6 r (1 + r) for the
 * trimmed mean and 4 (1 + r)^2 for the median, r = f / (n - 2f), and both are larger.
 */
export const trimmedKappa = (n: number, f: number, trim: number): number => trim / (n - f - trim);

/**
 * That mean moves by at most 1 / (n - 2 trim) of what one value of a coordinate moves, since it holds the value cut off at
 * its neighbours in order: in L2, one update for another of norms at most C, by 2 C / (n - 2 trim). Null where that is 2 C.
 */
export const trimmedSensitivityL2 = (n: number, trim: number): number | null =>
  n - 2 * trim > 1 ? 2 / (n - 2 * trim) : null;
