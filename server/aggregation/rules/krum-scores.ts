// Krum's score (Blanchard et al. 2017, arXiv 1703.02757, section 4): the sum of an update's squared L2 distances to its
// n - f - 2 nearest others, n the updates given; n >= 2f + 3. Canonical: squared, self not counted. The field has other
// scores under the same name, and they pick other clients; `variant` and `neighbours` reproduce papers that used them:
//   canonical, n-f-2 others     Blanchard, FedML, Garfield's native back-end, Flower (which clamps)
//   canonical, n-f-1 others     ByzFL, ByzPy, SignGuard. The robustness theorem of Allouah et al. 2023 (arXiv 2302.01772,
//                               kappa = 6 (1 + f/(n-2f))) is for this one; none is cited for the canonical number
//   unsquared, n-f-1 others     ByzantineMomentum, Garfield in Python, krum-lib; n-f-2: wanglun; n-f: the ALIE code
//   d4, n-f-2 others            noniid, epfml, Blades: squared distances squared again
// `neighbours` is a number, so that n-f-1 is that of one size of cohort: such a rule claims no theorem.
// Cost: the distances, then n sorts of n figures.

import { z } from 'zod';
import { InvariantError } from '../../../shared/invariant-error.ts';
import type { Distances } from '../cohort.ts';
import type { Assumptions } from '../rule.ts';

/** Options of every rule that scores so. */
export const scoreOptions = {
  variant: z.enum(['canonical', 'd4', 'unsquared']).default('canonical'),
  neighbours: z.int().min(1).optional(),
};
const scoreSchema = z.strictObject(scoreOptions);
export type ScoreOptions = z.output<typeof scoreSchema>;

interface ScoreKind {
  readonly summed: string;
  summand(squared: number): number;
  /** Relative error of a summand in that of its squared distance, to first order. */
  readonly power: number;
}

const scoreKinds: Readonly<Record<ScoreOptions['variant'], ScoreKind>> = {
  canonical: { summed: 'squared L2', summand: (squared) => squared, power: 1 },
  d4: { summed: 'squared L2 squared again', summand: (squared) => squared * squared, power: 2 },
  unsquared: { summed: 'L2', summand: Math.sqrt, power: 0.5 },
};

/** For the record. */
export const variantOf = ({ variant, neighbours = NaN }: ScoreOptions): string =>
  `${variant}: ${scoreKinds[variant].summed}, ${neighbours || 'n-f-2'} nearest others, ties by client id`;

/** Blanchard's bound, and enough others to sum over. */
export const minimumCohort = (f: number, { neighbours = 1 }: Partial<ScoreOptions> = {}): number =>
  Math.max(2 * f + 3, neighbours + 1);

/** How many nearest others are summed over. @throws InvariantError when f is no whole number of 0 .. n - 3. */
export function neighboursOf(n: number, f: number, { neighbours }: Partial<ScoreOptions> = {}): number {
  if (!Number.isInteger(f) || f < 0 || f > n - 3)
    throw new InvariantError(`expected a whole f of 0 .. n - 3, found f = ${f} with n = ${n}`);
  return neighbours ?? n - f - 2;
}

/** One per row, lower is better; summed from the nearest on, so that the order of the others decides no bit. */
export function krumScores(
  { n, squared }: Distances,
  neighbours: number,
  variant: ScoreOptions['variant'] = 'canonical',
): Float64Array {
  const { summand } = scoreKinds[variant];
  return Float64Array.from({ length: n }, (_, self) => {
    const others = squared.slice(self * n, (self + 1) * n).filter((_distance, other) => other !== self);
    return others
      .sort()
      .subarray(0, neighbours)
      .reduce((sum, distance) => sum + summand(distance), 0);
  });
}

/**
 * The gap of two scores as that of sums of squared distances (decide.ts). It is all that counts: the sum of the k smallest
 * is the least of all sums of k, so that entries within 1 +- e of the truth put it within 1 +- e, whichever of two
 * neighbours that are nearly as far is in it.
 */
export const marginOf = (scoreGap: number, variant: ScoreOptions['variant']): number =>
  scoreGap / scoreKinds[variant].power;

/**
 * eta(n, f) of Blanchard's proposition 1, over which the honest updates' mean must stand in their standard deviations:
 * 1/sqrt(2 (n-f + f (n + f (n-f-2) - 2) / (n-2f-2))). The same is given for Bulyan and for the mean of m <= n-f-2.
 */
export const blanchardSpread: NonNullable<Assumptions['largestSpread']> = {
  ratio: (n, f) => 1 / Math.sqrt(2 * (n - f + (f * (n + f * (n - f - 2) - 2)) / (n - 2 * f - 2))),
  source: 'Blanchard et al. 2017, arXiv 1703.02757, proposition 1; El-Mhamdi et al. 2021, arXiv 2003.00010',
};
