// The clipping norm that follows a quantile of the gradients' norms, learnt from a private count (Andrew et al., arXiv
// 1905.03871, section 2 and algorithm 1). In go the norm of this step and how many examples lay below it, noised; out
// comes the norm of the next: C <- C e^(-rate (b - quantile)), b the noised share below C. It grows where too few lie
// below and shrinks where too many do, so that it reaches the quantile from both sides.
// The count costs privacy: the noise of the sum is raised so that both together cost what the sum alone would.

import { InvariantError } from '../../shared/invariant-error.ts';

export interface AdaptiveClipping {
  /** Share of the examples whose gradient should lie below the clipping norm, above 0 and below 1. */
  readonly quantile: number;
  /** Step size of the logarithm of the clipping norm; the paper takes 0.2. */
  readonly rate: number;
  /** Standard deviation of the noise on the count, in examples; the paper takes a twentieth of the batch. */
  readonly countNoiseStdDev: number;
}

/** What one example adds to the sum of (1 if below, else 0) - 1/2, either way. */
export const COUNT_SENSITIVITY = 1 / 2;

/**
 * The noise multiplier z' of the sum with which sum and count together are one Gaussian release of multiplier z:
 * z'^-2 + (2 s)^-2 = z^-2, s the count's noise.
 * @throws InvariantError where the count alone would cost more than z allows.
 */
export function sumNoiseMultiplier(noiseMultiplier: number, countNoiseStdDev: number): number {
  const countMultiplier = countNoiseStdDev / COUNT_SENSITIVITY;
  if (!(countMultiplier > noiseMultiplier)) {
    throw new InvariantError(
      `expected noise of more than ${noiseMultiplier * COUNT_SENSITIVITY} examples on the count, found ${countNoiseStdDev}`,
    );
  }
  return (noiseMultiplier ** -2 - countMultiplier ** -2) ** -0.5;
}

/** `shareBelow`: noised, over the public expected batch size, so that it may lie outside 0 to 1. */
export function nextClippingNorm(
  clippingNormL2: number,
  shareBelow: number,
  { quantile, rate }: Pick<AdaptiveClipping, 'quantile' | 'rate'>,
): number {
  return clippingNormL2 * Math.exp(-rate * (shareBelow - quantile));
}

/** @throws Error that names the setting which is out of its range. */
export function checkedAdaptiveClipping(asked: AdaptiveClipping, noiseMultiplier: number): AdaptiveClipping {
  const { quantile, rate, countNoiseStdDev } = asked;
  if (!(quantile > 0 && quantile < 1)) throw outOfRange('quantile', 'above 0 and below 1', quantile);
  if (!(rate > 0 && rate < Infinity)) throw outOfRange('rate', 'above 0', rate);
  const least = noiseMultiplier * COUNT_SENSITIVITY;
  if (countNoiseStdDev > least && countNoiseStdDev < Infinity) return asked;
  throw outOfRange('countNoiseStdDev', `above ${least}, half the noise multiplier`, countNoiseStdDev);
}

const outOfRange = (setting: string, expected: string, found: number): Error =>
  new Error(`expected adaptiveClipping.${setting} ${expected}, found ${found}`);
