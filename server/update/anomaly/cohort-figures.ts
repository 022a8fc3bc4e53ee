// Every staged update of a round measured against the others: size, direction, signs, company and part in the cohort's
// spread. The same to the last bit for any order of arrival, since rows are in the order of client ids. Cost: one pass
// over the pairs, which the rule needs as well, and samples where sorting, counting or centring all of d would cost more.
// Figures say how odd an update is, not why: an honest client with rare examples is odd too.

import type { ClientId, Digest } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { seededRandomSource } from '../../../shared/random-source.ts';
import { dot } from '../../../shared/vector/vector.ts';
import type { Cohort, Distances } from '../../aggregation/cohort.ts';
import { cosinesToMedian } from './cosine-to-median.ts';
import { LEAST_COHORT, robustZ } from './robust-z.ts';
import { sampleCoordinates } from '../../../shared/vector/sample-coordinates.ts';
import { spectralShares } from './spectral-shares.ts';

export interface CohortMember {
  readonly client: ClientId;
  readonly digest: Digest;
  readonly normL2: number;
}

export interface MeasuredCohort {
  /** In the order of client ids, which is that of the rows. */
  readonly members: readonly CohortMember[];
  /** One update a row, all values finite. */
  readonly rows: Cohort;
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
  /**
   * Share of the values other than 0 that are above 0 (SignGuard, Xu et al. 2022), over the coordinates of the median;
   * null where all are 0.
   */
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

/** One entry per member. @throws InvariantError where members and rows are not as many. */
export async function cohortFigures(cohort: MeasuredCohort): Promise<ReadonlyMap<ClientId, CohortFigures>> {
  const { members, rows, previousStep, noiseStdDev } = cohort;
  if (members.length !== rows.n) throw new InvariantError(`expected ${members.length} rows, found ${rows.n}`);
  const squaredNorms = members.map(({ normL2 }) => normL2 ** 2);
  const pairs = { ...(await rows.squaredDistances()), squaredNorms };
  const sampled = await samplesOf(cohort);
  const positive = sampled.median.map(positiveShare);
  const [normZ, cosineZ, signZ, spectralZ] = [
    members.map(({ normL2 }) => normL2),
    sampled.cosines,
    positive.map((share) => share ?? 0.5),
    sampled.spectral,
  ].map(robustZ);
  const toPrevious = previousStep === null ? [] : await cosinesTo(previousStep, rows, squaredNorms);
  const figuresOf = (i: number): CohortFigures => ({
    normZ: normZ?.[i] ?? null,
    cosineToMedian: sampled.cosines[i] ?? null,
    cosineToMedianZ: cosineZ?.[i] ?? null,
    cosineToPrevious: toPrevious[i] ?? null,
    positiveShare: positive[i] ?? null,
    signZ: signZ?.[i] ?? null,
    nearDuplicates: members.length === 1 ? null : nearDuplicates(members, pairs, i),
    pairRatio: noiseStdDev === null ? null : pairRatio(pairs, i, 2 * rows.d * noiseStdDev ** 2),
    spectralZ: spectralZ?.[i] ?? null,
  });
  return new Map(members.map(({ client }, i) => [client, figuresOf(i)]));
}

interface Samples {
  /** The values at the coordinates of the median, a row a member. */
  readonly median: readonly Float32Array[];
  /** Empty in a cohort of fewer than 3, as `spectral`. */
  readonly cosines: readonly number[];
  readonly spectral: readonly number[];
}

async function samplesOf({ rows, seed }: MeasuredCohort): Promise<Samples> {
  const sample = (most: number): Promise<readonly Float32Array[]> => {
    const random = seededRandomSource(0, 'cohort-figures', most, seed);
    return rows.gather(sampleCoordinates(random, rows.d, most));
  };
  const median = await sample(MEDIAN_COORDINATES);
  if (rows.n < LEAST_COHORT) return { median, cosines: [], spectral: [] };
  return { median, cosines: cosinesToMedian(median), spectral: spectralShares(await sample(SPECTRAL_COORDINATES)) };
}

/** Of each row to one vector, by way of the distance: what cancels is below 1e-15 of the norms. */
async function cosinesTo(
  vector: Float32Array,
  rows: Cohort,
  squaredNorms: readonly number[],
): Promise<readonly number[]> {
  const own = dot(vector, vector);
  const distances = await rows.squaredDistancesTo(vector);
  return squaredNorms.map((squared, i) => cosineOf(distances[i] ?? NaN, squared, own));
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

interface Pairs extends Distances {
  readonly squaredNorms: readonly number[];
}

function nearDuplicates(members: readonly CohortMember[], pairs: Pairs, i: number): number {
  const own = members[i]?.digest;
  const alike = members.filter(
    ({ digest }, j) => j !== i && (digest === own || pairCosine(pairs, i, j) > DUPLICATE_COSINE),
  );
  return alike.length;
}

function pairCosine({ n, squared, squaredNorms }: Pairs, i: number, j: number): number {
  return cosineOf(squared[i * n + j] ?? NaN, squaredNorms[i] ?? NaN, squaredNorms[j] ?? NaN);
}

/** By the law of cosines; 0 where either vector is zero, since it points nowhere. */
function cosineOf(squaredDistance: number, squaredA: number, squaredB: number): number {
  if (squaredA === 0 || squaredB === 0) return 0;
  return (squaredA + squaredB - squaredDistance) / (2 * Math.sqrt(squaredA) * Math.sqrt(squaredB));
}

function pairRatio({ n, squared }: Distances, i: number, expected: number): number | null {
  if (n < 2) return null;
  const toOthers = squared.subarray(i * n, (i + 1) * n).filter((_, j) => j !== i);
  return toOthers.reduce((least, distance) => Math.min(least, distance), Infinity) / expected;
}
