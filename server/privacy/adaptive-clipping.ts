// The clipping norm C of central privacy, following a quantile of the updates' norms (Andrew et al., arXiv 1905.03871,
// algorithm 1): each round counts the updates within C, with noise of the count's own, and moves C by
// exp(-learningRate x (share within - quantile)): down while too many are within, up while too few are.
// Each update counts +1/2 or -1/2, so that one more or one less moves the count by 1/2 only (section 3.2), and the
// denominator is the public number of planned clients: a client that sends nothing counts as half within.

import {
  COUNT_SENSITIVITY,
  nextClippingNorm,
  noiseMultiplierBesideCount,
} from '../../shared/accounting/adaptive-clipping.ts';
import { addOnGrid, noiseGrid } from '../../shared/gaussian-noise.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { AdaptiveClipping, CentralPrivacyTerms } from '../../shared/protocol/terms.ts';

/**
 * Noise multiplier of the sum beside which that of the count leaves the round at z as a whole; z itself without adaptive
 * clipping.
 */
export function sumNoiseMultiplier({
  noiseMultiplier: z,
  adaptiveClipping: adaptive,
}: Pick<CentralPrivacyTerms, 'noiseMultiplier' | 'adaptiveClipping'>): number {
  if (adaptive === null) return z;
  return noiseMultiplierBesideCount(z, adaptive.countNoiseStdDev);
}

export interface NormCount {
  /** Updates that reached the sum. */
  readonly n: number;
  /** Those of them within the clipping norm. */
  readonly within: number;
  readonly plannedClients: number;
  /** N(0, 1). */
  readonly normal: number;
}

/** Share of the planned clients within the norm, noise included: public. May be below 0 or above 1. */
function noisyShareWithin(
  { n, within, plannedClients, normal }: NormCount,
  { countNoiseStdDev }: AdaptiveClipping,
): number {
  // A multiple of 1/2, and so on the grid: rounding moves nothing but the noise.
  const count = Float64Array.of(COUNT_SENSITIVITY * (within - (n - within)));
  addOnGrid(count, Float64Array.of(normal), { stdDev: countNoiseStdDev, grid: noiseGrid(COUNT_SENSITIVITY, 1) });
  return 0.5 + (count[0] ?? NaN) / plannedClients;
}

/** C of the next round; the same where clipping is not adaptive. */
export function nextClippingNormOf(
  clippingNormL2: number,
  count: NormCount,
  { adaptiveClipping: adaptive }: Pick<CentralPrivacyTerms, 'adaptiveClipping'>,
): number {
  if (adaptive === null) return clippingNormL2;
  const { quantile, learningRate } = adaptive;
  return nextClippingNorm(clippingNormL2, noisyShareWithin(count, adaptive), { quantile, rate: learningRate });
}

/**
 * Refuses bad-config: a count whose noise alone costs more than the whole round may, and a quantile that the count cannot
 * reach when no more than `quorum` updates come, so that C would grow or shrink without end.
 */
export function adaptiveComplaint(
  { noiseMultiplier, plannedClients, adaptiveClipping: adaptive }: CentralPrivacyTerms,
  quorum: number,
): Refused | undefined {
  if (adaptive === null) return undefined;
  const { countNoiseStdDev, quantile } = adaptive;
  const least = COUNT_SENSITIVITY * noiseMultiplier;
  if (!(countNoiseStdDev > least)) {
    return refuse('bad-config', {
      message: 'the noise on the count of adaptive clipping is too small for the budget',
      expected: `adaptiveClipping.countNoiseStdDev above ${least.toPrecision(3)}, half the noise multiplier`,
      found: `${countNoiseStdDev}`,
      hint: 'raise it, plan with more clients, or leave adaptiveClipping out',
    });
  }
  const reach = quorum / plannedClients / 2;
  if (Math.abs(quantile - 0.5) < reach) return undefined;
  return refuse('bad-config', {
    message: 'the quantile of adaptive clipping is out of reach when few updates come',
    expected: `a quantile within ${reach.toPrecision(3)} of 0.5, where ${quorum} of ${plannedClients} planned clients may come`,
    found: `${quantile}`,
    hint: 'take 0.5, raise cohort.quorum, or plan with fewer clients',
  });
}
