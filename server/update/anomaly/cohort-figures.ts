// Every staged update of a round measured against the others: size, direction, signs, company and part in the cohort's
// spread. Pure, and the same to the last bit for any order of arrival: updates are put in the order of client ids first.
// Cost: n^2 d / 2 multiply-adds for the pairs, O(n d) for the rest, sampled where sorting or centring all of d would
// cost more. Figures say how odd an update is, not why: an honest client with rare examples is odd too.

import { type ClientId, compareText, type Digest } from '../../../shared/ids.ts';
import { seededRandomSource } from '../../../shared/random-source.ts';
import { dot } from '../../../shared/vector/vector.ts';
import { cosinesToMedian } from './cosine-to-median.ts';
import { cosine, pairCosine, pairDistance, type PairwiseDots, pairwiseDots } from './pairwise-dots.ts';
import { LEAST_COHORT, robustZ } from './robust-z.ts';
import { sampleCoordinates } from './sample-coordinates.ts';
import { spectralShares } from './spectral-shares.ts';

export interface MeasuredUpdate {
  readonly client: ClientId;
  readonly digest: Digest;
  /** d finite values. */
  readonly values: Float32Array;
  readonly normL2: number;
}

export interface Cohort {
  /** One per client, all of one length, in any order. */
  readonly updates: readonly MeasuredUpdate[];
  /** The last committed aggregate, d values; null before the first. */
  readonly previousStep: Float32Array | null;
  /** Of the declared noise, per parameter; null without local DP. */
  readonly noiseStdDev: number | null;
  /** Draws the sampled coordinates: recorded, and not to be foretold before the round closes. */
  readonly seed: Digest;
}

/** Figures ending in Z are robust z-scores within the cohort (robust-z.ts), null in a cohort of fewer than 3. */
export type CohortFigures = {
  readonly normZ: number | null;
  /** Cosine to the coordinate-wise median of the others; null in a cohort of fewer than 3. */
  readonly cosineToMedian: number | null;
  readonly cosineToMedianZ: number | null;
  /** Null where there is no previous step. */
  readonly cosineToPrevious: number | null;
  /** Share of the values other than 0 that are above 0 (SignGuard, Xu et al. 2022); null where all are 0. */
  readonly positiveShare: number | null;
  /** Of `positiveShare`, 0.5 where that is null. */
  readonly signZ: number | null;
  /** How many others have the same digest or a cosine above 0.999 to this one; null without others. */
  readonly nearDuplicates: number | null;
  /** Least squared distance to another over 2 d s^2, s the declared noise; null without noise or without others. */
  readonly pairRatio: number | null;
  /** Of the share in the direction of largest spread (spectral-shares.ts). */
  readonly spectralZ: number | null;
};

/** Up to so many coordinates the median is taken over all of them. */
export const MEDIAN_COORDINATES = 65_536;
/** As in divide-and-conquer. */
const SPECTRAL_COORDINATES = 10_000;
const DUPLICATE_COSINE = 0.999;

/** One entry per update. @throws InvariantError when the lengths differ. */
export function cohortFigures({
  updates,
  previousStep,
  noiseStdDev,
  seed,
}: Cohort): ReadonlyMap<ClientId, CohortFigures> {
  const ordered = [...updates].sort((a, b) => compareText(a.client, b.client));
  const vectors = ordered.map(({ values }) => values);
  const dots = pairwiseDots(vectors);
  const tellable = vectors.length >= LEAST_COHORT;
  const cosines = tellable ? cosinesToMedian(vectors, sampleOf(vectors, MEDIAN_COORDINATES, seed)) : [];
  const spectral = tellable ? spectralShares(vectors, sampleOf(vectors, SPECTRAL_COORDINATES, seed)) : [];
  const positive = vectors.map(positiveShare);
  const [normZ, cosineZ, signZ, spectralZ] = [
    ordered.map(({ normL2 }) => normL2),
    cosines,
    positive.map((share) => share ?? 0.5),
    spectral,
  ].map(robustZ);
  const previousSquared = previousStep === null ? NaN : dot(previousStep, previousStep);
  const figuresOf = ({ values }: MeasuredUpdate, i: number): CohortFigures => ({
    normZ: normZ?.[i] ?? null,
    cosineToMedian: cosines[i] ?? null,
    cosineToMedianZ: cosineZ?.[i] ?? null,
    cosineToPrevious:
      previousStep === null ? null : cosine(dot(values, previousStep), dot(values, values), previousSquared),
    positiveShare: positive[i] ?? null,
    signZ: signZ?.[i] ?? null,
    nearDuplicates: ordered.length === 1 ? null : nearDuplicates(ordered, dots, i),
    pairRatio: noiseStdDev === null ? null : pairRatio(dots, i, 2 * values.length * noiseStdDev ** 2),
    spectralZ: spectralZ?.[i] ?? null,
  });
  return new Map(ordered.map((update, i) => [update.client, figuresOf(update, i)]));
}

function sampleOf(vectors: readonly Float32Array[], most: number, seed: Digest): Uint32Array {
  const random = seededRandomSource(0, 'cohort-figures', most, seed);
  return sampleCoordinates(random, vectors[0]?.length ?? 0, most);
}

/** Values of exactly 0 have no sign: where training never touches a parameter they say nothing about the update. */
function positiveShare(values: Float32Array): number | null {
  let positive = 0;
  let negative = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (value > 0) positive++;
    else if (value < 0) negative++;
  }
  return positive + negative === 0 ? null : positive / (positive + negative);
}

function nearDuplicates(updates: readonly MeasuredUpdate[], dots: PairwiseDots, i: number): number {
  const own = updates[i]?.digest;
  const alike = updates.filter(
    ({ digest }, j) => j !== i && (digest === own || pairCosine(dots, i, j) > DUPLICATE_COSINE),
  );
  return alike.length;
}

function pairRatio(dots: PairwiseDots, i: number, expected: number): number | null {
  const distances = dots.flatMap((_, j) => (j === i ? [] : [pairDistance(dots, i, j)]));
  return distances.length === 0 ? null : Math.min(...distances) / expected;
}
