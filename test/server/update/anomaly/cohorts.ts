// Cohorts to measure: honest updates share a direction and differ by chance.

import type { CohortMember, MeasuredCohort } from '../../../../server/update/anomaly/cohort-figures.ts';
import { asClientId, asDigest } from '../../../../shared/ids.ts';
import { fillStandardNormals, type RandomSource } from '../../../../shared/random-source.ts';
import { normL2 } from '../../../../shared/vector/vector.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';

const hexOf = (n: number): string => n.toString(16).padStart(64, '0');
const seed = asDigest('5e'.repeat(32));

export const memberOf = (values: Float32Array, i: number): CohortMember => ({
  client: asClientId(hexOf(i)),
  digest: asDigest(hexOf(i)),
  normL2: normL2(values),
});

export const cohortOf = (vectors: readonly Float32Array[], context: Partial<MeasuredCohort> = {}): MeasuredCohort => ({
  members: vectors.map(memberOf),
  rows: plainCohort(vectors),
  previousStep: null,
  noiseStdDev: null,
  seed,
  ...context,
});

export function normals(random: RandomSource, length: number): Float32Array {
  const draws = new Float64Array(length);
  fillStandardNormals(random, draws);
  return Float32Array.from(draws);
}

export const scaled = (values: Float32Array, factor: number): Float32Array => values.map((value) => factor * value);

/** `signal` times a common direction, plus N(0, 1) of each update's own. */
export function honestVectors(random: RandomSource, n: number, { length = 400, signal = 1 } = {}): Float32Array[] {
  const common = normals(random, length);
  return Array.from({ length: n }, () =>
    normals(random, length).map((value, k) => value + signal * (common[k] ?? NaN)),
  );
}
