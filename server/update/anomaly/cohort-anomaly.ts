// At the close of a round: how far each staged update's norm lies from the cohort's. A flag travels on with the verdict
// and removes nobody. The robust z-score of Iglewicz & Hoaglin 1993: 0.6745 (x - median) / MAD. MAD and not the standard
// deviation, since a sample's own z can never pass (n - 1) / sqrt(n) with the latter, whatever an outlier sends.
// A cohort of mostly equal norms has MAD 0: it is taken as at least 1e-6 of the median (and 1e-12), so that every z is
// finite. What hides within the cohort's spread is not seen here.

import type { ClientId } from '../../../shared/ids.ts';
import { median, medianAbsoluteDeviation } from '../../../shared/vector/vector.ts';

/** The 0.75 quantile of N(0, 1): what MAD is of a normal's standard deviation. */
const NORMAL_QUARTILE = 0.6745;
const LEAST_RELATIVE_MAD = 1e-6;
const LEAST_MAD = 1e-12;
const LEAST_COHORT = 3;
const MAX_ABSOLUTE_Z = 6;

export interface CohortMark {
  /** Null in a cohort of fewer than 3, where no update can be told from another. */
  readonly normZ: number | null;
  readonly flags: readonly 'norm-outlier'[];
}

interface StagedNorm {
  readonly client: ClientId;
  readonly normL2: number;
}

/** One mark per update. Flags |z| > `maxAbsoluteZ`, default 6. */
export function markCohort(
  staged: readonly StagedNorm[],
  { maxAbsoluteZ = MAX_ABSOLUTE_Z }: { readonly maxAbsoluteZ?: number | undefined } = {},
): ReadonlyMap<ClientId, CohortMark> {
  const zOf = robustZ(staged.map(({ normL2 }) => normL2));
  return new Map(staged.map(({ client, normL2 }) => [client, markOf(zOf(normL2), maxAbsoluteZ)]));
}

function robustZ(norms: readonly number[]): (norm: number) => number | null {
  if (norms.length < LEAST_COHORT) return () => null;
  const centre = median(norms);
  const spread = Math.max(medianAbsoluteDeviation(norms), LEAST_RELATIVE_MAD * centre, LEAST_MAD);
  return (norm) => (NORMAL_QUARTILE * (norm - centre)) / spread;
}

function markOf(normZ: number | null, maxAbsoluteZ: number): CohortMark {
  return { normZ, flags: normZ !== null && Math.abs(normZ) > maxAbsoluteZ ? ['norm-outlier'] : [] };
}
