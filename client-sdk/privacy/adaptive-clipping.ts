// What an owner may ask of a clipping norm that follows a quantile of the gradients' norms (shared/accounting/
// adaptive-clipping.ts has the rule), and the price: the count costs privacy, so that the noise of the sum is raised until
// both together cost what the sum alone would.

import { COUNT_SENSITIVITY, noiseMultiplierBesideCount } from '../../shared/accounting/adaptive-clipping.ts';
import { InvariantError } from '../../shared/invariant-error.ts';

export interface AdaptiveClipping {
  /** Share of the examples whose gradient should lie below the clipping norm, above 0 and below 1. */
  readonly quantile: number;
  /** Step size of the logarithm of the clipping norm; the paper takes 0.2. */
  readonly rate: number;
  /** Standard deviation of the noise on the count, in examples; the paper takes a twentieth of the batch. */
  readonly countNoiseStdDev: number;
}

/**
 * Of the sum, which is more than the declared one.
 * @throws InvariantError where the count alone would cost more than that allows.
 */
export function sumNoiseMultiplier(noiseMultiplier: number, countNoiseStdDev: number): number {
  const least = noiseMultiplier * COUNT_SENSITIVITY;
  if (countNoiseStdDev > least) return noiseMultiplierBesideCount(noiseMultiplier, countNoiseStdDev);
  throw new InvariantError(`expected noise of more than ${least} examples on the count, found ${countNoiseStdDev}`);
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
