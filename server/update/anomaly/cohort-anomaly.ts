// At the close of a round: which updates lie so far from the others that somebody should look. A flag travels on with
// the verdict and removes nobody.
//
// A robust z over few updates has a heavy tail, hence limits that grow as 1 + 10/n for small cohorts, and none below 5.
// They keep false alarms down first. README.md has what they see and what they raise in vain, as bench/ measures it.
//
// What hides within the cohort's spread is not seen: under local DP every honest update is mostly noise, and under
// strong skew honest clients point away from each other. There the rule and the noise witness have to hold. Where
// clients have much data, all alike, and no noise, honest updates may come to a cosine of 0.999: near duplicates then.

import type { ClientId } from '../../../shared/ids.ts';
import { median } from '../../../shared/vector/vector.ts';
import { type CohortFigures, cohortFigures, MEDIAN_COORDINATES, type MeasuredCohort } from './cohort-figures.ts';

export const cohortFlags = [
  'norm-outlier',
  'cosine-outlier',
  'sign-outlier',
  'near-duplicate',
  'spectral-outlier',
] as const;
export type CohortFlag = (typeof cohortFlags)[number];

export interface CohortMark {
  readonly figures: CohortFigures;
  /** In the order of `cohortFlags`. */
  readonly flags: readonly CohortFlag[];
}

/** Limits of the z-scores in a very large cohort, to be multiplied by 1 + SMALL_COHORT / n. */
const LIMITS = {
  /** Both sides: scaled up, or left out. 6 at n = 20, where 0.03 % of honest updates pass it. */
  norm: 4,
  /** Below alone: to agree with the others is no anomaly. */
  cosine: 4,
  /** For an update that points against a cohort that agrees (`severitiesOf`): late in training, when cosines of 0.2 +-
   * 0.05 put a flipped update at z = -4 only. */
  opposed: 1.25,
  /** Both sides. Signs of neighbouring weights go together, which makes the share of positive ones jump. */
  sign: 4,
  /** Above alone. A squared normal: its z passes 10 as often as that of a normal passes 3. */
  spectral: 20,
} as const;
const SMALL_COHORT = 10;
/** Of 3 or 4, a z beyond every limit happens by chance. Near duplicates are flagged in any cohort. */
const LEAST_FLAGGED = 5;
/** Standard deviations, 1 / sqrt(coordinates), of the cosine between unrelated directions. */
const UNRELATED = 3;

/** How many times its limit each flag's figure is, from 0: raised above 1. */
export type CohortSeverities = Readonly<Record<CohortFlag, number>>;

/** One mark per member. */
export async function markCohort(cohort: MeasuredCohort): Promise<ReadonlyMap<ClientId, CohortMark>> {
  const figures = await cohortFigures(cohort);
  const limits = limitsOf(cohort, figures);
  const flagsOf = (severities: CohortSeverities): readonly CohortFlag[] =>
    cohortFlags.filter((flag) => severities[flag] > 1);
  return new Map(
    [...figures].map(([client, own]) => [client, { figures: own, flags: flagsOf(severitiesOf(own, limits)) }]),
  );
}

/** What the flags of `markCohort` are raised by, for measuring other limits. */
export async function cohortSeverities(cohort: MeasuredCohort): Promise<ReadonlyMap<ClientId, CohortSeverities>> {
  const figures = await cohortFigures(cohort);
  const limits = limitsOf(cohort, figures);
  return new Map([...figures].map(([client, own]) => [client, severitiesOf(own, limits)]));
}

interface CohortLimits {
  /** What a limit of the table is multiplied by; infinite where the cohort is too small. */
  readonly factor: number;
  /** Cosines below its negative point against the cohort; infinite where the cohort does not agree on a direction. */
  readonly opposedCosine: number;
}

function limitsOf({ rows }: MeasuredCohort, figures: ReadonlyMap<ClientId, CohortFigures>): CohortLimits {
  const factor = rows.n < LEAST_FLAGGED ? Infinity : 1 + SMALL_COHORT / rows.n;
  const coordinates = Math.min(rows.d, MEDIAN_COORDINATES);
  const unrelated = UNRELATED / Math.sqrt(coordinates);
  const cosines = [...figures.values()].flatMap(({ cosineToMedian }) => cosineToMedian ?? []);
  const agrees = cosines.length > 0 && median(cosines) > unrelated;
  return { factor, opposedCosine: agrees ? unrelated : Infinity };
}

/** What was not measured, as what lies on the harmless side, is 0 times its limit. */
function severitiesOf(figures: CohortFigures, { factor, opposedCosine }: CohortLimits): CohortSeverities {
  const { normZ, cosineToMedian, cosineToMedianZ, signZ, spectralZ, nearDuplicates } = figures;
  const times = (figure: number | null, limit: number): number => Math.max(0, (figure ?? 0) / limit);
  const below = -(cosineToMedianZ ?? 0);
  // Points away from the others by more than chance, and lies apart: both have to pass, so that the lesser one counts.
  const opposed = Math.min(times(-(cosineToMedian ?? 0), opposedCosine), times(below, LIMITS.opposed * factor));
  return {
    'norm-outlier': times(Math.abs(normZ ?? 0), LIMITS.norm * factor),
    'cosine-outlier': Math.max(times(below, LIMITS.cosine * factor), opposed),
    'sign-outlier': times(Math.abs(signZ ?? 0), LIMITS.sign * factor),
    // None is allowed, so that one is infinitely many times the limit.
    'near-duplicate': (nearDuplicates ?? 0) > 0 ? Infinity : 0,
    'spectral-outlier': times(spectralZ, LIMITS.spectral * factor),
  };
}
