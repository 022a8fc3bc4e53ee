// Divide-and-conquer (Shejwalkar & Houmansadr, "Manipulating the Byzantine", NDSS 2021, algorithm 2). Some coordinates are
// drawn and centred; an update's outlier score is its squared projection on their top right singular vector; the
// ceil(c f) updates of the highest score are dropped. This is repeated, and the mean is taken of the updates that no
// iteration dropped. Where `coordinates` covers all d, every iteration is the same one and is done once.
// Iterations may drop different updates, up to iterations x ceil(c f) of them. Where none is left the paper says nothing
// and ports of it return NaN, the mean of no update; here the round is refused.
// The draw comes from the round's seed: whoever foretells it hides in the other coordinates.

import { z } from 'zod';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import { type RandomSource, seededRandomSource } from '../../../shared/random-source.ts';
import { pairwiseDots } from '../../../shared/vector/pairwise-dots.ts';
import { sampleCoordinates } from '../../../shared/vector/sample-coordinates.ts';
import { centred, topEigenvector } from '../../../shared/vector/top-eigenvector.ts';
import type { Cohort } from '../cohort.ts';
import { declare } from '../../../shared/declare.ts';
import { requireCohort, seedMissing } from '../require-cohort.ts';
import type { Aggregate, AggregationRule } from '../rule.ts';
import { multipleRoundedUp } from '../tolerance.ts';
import { lowest } from './lowest.ts';
import { meanOfRows } from './mean-of-rows.ts';

const options = z.strictObject({
  iterations: z.int().min(1).default(5),
  coordinates: z.int().min(1).default(10_000),
  c: z.number().positive().default(1),
});
type DncOptions = z.output<typeof options>;

/** Directions down to 0.99 of the top one's variance die out to 1e-8; below that the top direction is chance. */
const CONVERGENCE = { iterations: 2000, tolerance: 1e-14 };

function dnc(chosen: DncOptions): AggregationRule {
  const { iterations, coordinates, c } = chosen;
  const drops = (f: number): number => multipleRoundedUp(c, f);
  const minimumCohort = (f: number): number => Math.max(2 * f, drops(f)) + 1;
  return {
    name: 'dnc',
    variant: `${iterations} iterations over ${coordinates} coordinates, each drops ceil(${c} f), ties the later row`,
    minimumCohort,
    assumes: {
      robustness: null,
      largestSpread: null,
      cost: `${iterations} n^2 min(d, ${coordinates}) / 2 + n d`,
      sensitivityL2: () => null,
      draws: true,
      reference: 'none',
    },
    async aggregate({ cohort, f, seed }) {
      const tooSmall = requireCohort(cohort, minimumCohort(f));
      if (tooSmall) return tooSmall;
      if (seed === null) return seedMissing('dnc');
      return meanOfUndropped(cohort, await outlierShares(cohort, seed, chosen), drops(f));
    },
  };
}

/** By iteration: each row's share of the spread along the top direction, 0 to 1, summing to 1. */
async function outlierShares(
  cohort: Cohort,
  seed: string,
  { iterations, coordinates }: DncOptions,
): Promise<readonly Float64Array[]> {
  const random = seededRandomSource(0, 'dnc', seed);
  const rounds: Float64Array[] = [];
  while (rounds.length < (cohort.d <= coordinates ? 1 : iterations))
    rounds.push(spectralShares(await cohort.gather(sampleCoordinates(random, cohort.d, coordinates)), random));
  return rounds;
}

/** A random start has a part in every direction, whatever the updates are made to look like. */
function spectralShares(rows: readonly Float32Array[], random: RandomSource): Float64Array {
  // Halved, so that no difference to the mean overflows float32; shares have no scale.
  const gram = pairwiseDots(centred(rows.map((row) => row.map((value) => value / 2))));
  const start = Float64Array.from(rows, () => random.uniform() - 0.5);
  return topEigenvector(gram, start, CONVERGENCE).map((entry) => entry * entry);
}

/** Scored by the largest share of any iteration, since one iteration is enough to be dropped. */
async function meanOfUndropped(
  cohort: Cohort,
  rounds: readonly Float64Array[],
  drops: number,
): Promise<Aggregate | Refused> {
  const rows = Array.from({ length: cohort.n }, (_, row) => row);
  const good = rounds.map((shares) => new Set(lowest(shares, cohort.n - drops).rows));
  const selected = rows.filter((row) => good.every((set) => set.has(row)));
  if (selected.length === 0) return nothingLeft(cohort.n, rounds.length);
  const scores = Float64Array.from(rows, (row) => Math.max(...rounds.map((shares) => shares[row] ?? NaN)));
  return meanOfRows(cohort, selected, { scores, neighbours: null, warnings: [] });
}

const nothingLeft = (n: number, iterations: number): Refused =>
  refuse('cohort-too-small', {
    message: 'every update was dropped by one of the iterations of divide-and-conquer',
    expected: `at least 1 update that none of ${iterations} iterations drops`,
    found: `0 of ${n}`,
    hint: 'the base model stays; fewer iterations, a smaller c or more clients leave more',
  });

export const dncDeclared = declare({ name: 'dnc', options, make: dnc });
