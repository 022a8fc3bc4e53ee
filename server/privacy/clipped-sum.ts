// The updates of a round -> the sum that central privacy adds its noise to: every update, or its difference to a centre,
// clipped to L2 norm C and added up, all with weight 1 (McMahan et al., arXiv 1710.06963, section 2.2). With the last
// released aggregate as centre it is one step of centered clipping (Karimireddy et al., arXiv 2012.10333, section 4).
// Rule it keeps: one update added or taken out moves the sum by at most C in L2, whatever the updates are. Hence clipping
// to C (1 - 2^-20), which is more than all rounding of float64 norms and sums for n <= 10^4 and d <= 10^9.
// The sum is float64: `combine` rounds to float32, so that what the first combination lost is combined once more.

import type { Cohort } from '../aggregation/cohort.ts';

/** What rounding is given. */
const CLIPPING_SHARE = 1 - 2 ** -20;

export interface ClippedSum {
  /** d values. Not to leave the coordinator without noise. */
  readonly values: Float64Array;
  /** How many updates were no longer than the norm. As secret as the sum. */
  readonly within: number;
}

export interface Clipping {
  /** C. */
  readonly clippingNormL2: number;
  /** d values, public; null: zero. */
  readonly centre: Float32Array | null;
}

export async function clippedSum(cohort: Cohort, { clippingNormL2, centre }: Clipping): Promise<ClippedSum> {
  const limit = clippingNormL2 * CLIPPING_SHARE;
  const norms = (await cohort.squaredDistancesTo(centre ?? undefined)).map(Math.sqrt);
  const weights = norms.map((norm) => (norm > limit ? limit / norm : 1));
  const rounded = await cohort.combine({ weights, divisor: 1 });
  const lost = await cohort.combine({ weights, divisor: 1, plus: { point: rounded, weight: -1 } });
  const centred = centre === null ? 0 : weights.reduce((total, weight) => total + weight, 0);
  const values = Float64Array.from(rounded, (value, i) => value + (lost[i] ?? NaN) - centred * (centre?.[i] ?? 0));
  return { values, within: norms.filter((norm) => norm <= clippingNormL2).length };
}
