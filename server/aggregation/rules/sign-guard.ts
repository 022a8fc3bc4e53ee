// SignGuard, the plain variant (Xu et al. 2022, arXiv 2109.05872, algorithm 2). An update is kept where its norm lies
// within lower and upper times the median norm, and where the shares of its positive, zero and negative values over a
// random part of the coordinates fall into the largest cluster of MeanShift. Kept updates are clipped to the median norm
// and averaged.
// As in the authors' code (JianXu95/SignGuard, aggregators/signguard.py) the median is that of all norms, not of the kept.
// Unlike there: the coordinates are drawn one by one as in the paper, not as one run of them; the shares are not divided by
// the largest of the cohort, which lets a few zeros weigh as much as all signs; clusters start from every point and take
// every point in; the bounds include their ends; and of an even number of norms the middle two are averaged throughout.

import { z } from 'zod';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import { seededRandomSource } from '../../../shared/random-source.ts';
import { sampleCoordinates } from '../../../shared/vector/sample-coordinates.ts';
import { median } from '../../../shared/vector/vector.ts';
import type { Cohort } from '../cohort.ts';
import { declare } from '../../../shared/declare.ts';
import { requireCohort, seedMissing } from '../require-cohort.ts';
import type { Aggregate, AggregationRule } from '../rule.ts';
import { meanShift, type Point } from './mean-shift.ts';

const options = z.strictObject({
  lower: z.number().min(0).max(1).default(0.1),
  upper: z.number().min(1).default(3),
  slice: z.number().positive().max(1).default(0.1),
});
type SignGuardOptions = z.output<typeof options>;

/** Coordinates whose values are held at once: 26 MB of 100 updates. */
const CHUNK = 65_536;

const minimumCohort = (f: number): number => 2 * f + 1;

function signGuard(chosen: SignGuardOptions): AggregationRule {
  const { lower, upper, slice } = chosen;
  return {
    name: 'sign-guard',
    variant: `norms of ${lower} to ${upper} medians, MeanShift of the signs at ${slice} d coordinates, clipped to the median`,
    minimumCohort,
    assumes: {
      robustness: null,
      largestSpread: null,
      cost: 'n d + n^2',
      sensitivityL2: () => null,
      draws: true,
      reference: 'none',
    },
    async aggregate({ cohort, f, seed }) {
      const tooSmall = requireCohort(cohort, minimumCohort(f));
      if (tooSmall) return tooSmall;
      if (seed === null) return seedMissing('sign-guard');
      const norms = (await cohort.squaredDistancesTo()).map(Math.sqrt);
      const centre = median([...norms]);
      const crowd = largestCluster(meanShift(await signCounts(cohort, seed, slice)));
      const kept = crowd.filter((row) => isBetween(norms[row] ?? NaN, lower * centre, upper * centre));
      return clippedMean(
        cohort,
        kept,
        Array.from(norms, (norm) => (norm <= centre ? 1 : centre / norm)),
      );
    },
  };
}

/** Positive, zero and negative values of each row among the drawn coordinates: their shares times the number drawn. */
async function signCounts(cohort: Cohort, seed: string, slice: number): Promise<readonly Point[]> {
  const random = seededRandomSource(0, 'sign-guard', seed);
  const drawn = sampleCoordinates(random, cohort.d, Math.ceil(slice * cohort.d));
  let counts: readonly Point[] = Array.from({ length: cohort.n }, () => [0, 0, 0]);
  for (let start = 0; start < drawn.length; start += CHUNK) {
    const rows = await cohort.gather(drawn.subarray(start, start + CHUNK));
    counts = counts.map((before, row) => withSigns(before, rows[row] ?? new Float32Array()));
  }
  return counts;
}

function withSigns([positive = 0, zero = 0, negative = 0]: Point, values: Float32Array): Point {
  let [above, below] = [0, 0];
  for (let k = 0; k < values.length; k++) {
    const value = values[k] ?? NaN;
    if (value > 0) above++;
    else if (value < 0) below++;
  }
  return [positive + above, zero + values.length - above - below, negative + below];
}

/** Rows of the label that most rows have, ascending; of labels that equally many have, the one of the lowest row. */
function largestCluster(labels: readonly number[]): readonly number[] {
  const clusters = [...new Set(labels)].map((label) => [...labels.keys()].filter((row) => labels[row] === label));
  return clusters.reduce((largest, rows) => (rows.length > largest.length ? rows : largest), []);
}

const isBetween = (value: number, least: number, most: number): boolean => value >= least && value <= most;

/** The two filters rank nobody, so that there are no scores. */
async function clippedMean(
  cohort: Cohort,
  kept: readonly number[],
  factors: readonly number[],
): Promise<Aggregate | Refused> {
  const m = kept.length;
  if (m === 0) return nothingKept(cohort.n);
  const weights = new Float64Array(cohort.n);
  for (const row of kept) weights[row] = factors[row] ?? NaN;
  return {
    kind: 'aggregate',
    values: await cohort.combine({ weights, divisor: m }),
    selected: kept,
    scores: null,
    shares: weights.map((weight) => weight / m),
    m,
    neighbours: null,
    warnings: [],
  };
}

const nothingKept = (n: number): Refused =>
  refuse('cohort-too-small', {
    message: 'no update of the largest cluster of signs has a norm near the median',
    expected: 'at least 1 update that passes both filters of SignGuard',
    found: `0 of ${n}`,
    hint: 'the base model stays; wider bounds on the norm keep more',
  });

export const signGuardDeclared = declare({ name: 'sign-guard', options, make: signGuard });
