// The updates of a round -> the sum that central privacy adds its noise to: every update, or its difference to a centre,
// clipped to L2 norm C and added up, all with weight 1 (McMahan et al., arXiv 1710.06963, section 2.2). With the last
// released aggregate as centre it is one step of centered clipping (Karimireddy et al., arXiv 2012.10333, section 4).
// Rule it keeps: one update added or taken out moves the sum by at most C (1 - 2^-11) in L2, whatever the updates are; the
// 2^-11 left over is for rounding to the grid of the noise (shared/gaussian-noise.ts). Hence clipping to C (1 - 2^-10). What
// rounds here: with u = 2^-53, n updates of d values and a centre of norm c, a norm is exact to d u / 2 of itself, and each of
// two sums to (3n + 40) u n (C + c). Together that stays below 2^-11 C for d <= 10^9 and n^2 (1 + c / C) <= 10^11.
// The sum is float64: `combine` rounds to float32, so that what the first combination lost is combined once more.

import { CLIPPING_SHARE } from '../../shared/gaussian-noise.ts';
import type { Cohort } from '../aggregation/cohort.ts';

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
