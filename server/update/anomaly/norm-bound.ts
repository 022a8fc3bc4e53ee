// How large an honest update can be: its noise and its signal at their largest, added. Public, since it follows from
// the federation's terms alone. It stops boosted updates before any rule sees them.

import { constantRates, noiseStdDevPerParameter, stepWeights } from '../../../shared/accounting/noise-scale.ts';
import type { LocalOptimiser, PrivacyTerms, TrainingTerms } from '../../../shared/protocol/terms.ts';
import type { WitnessOptions } from './noise-witness.ts';
import { tailExponent } from './noise-witness.ts';

export interface NormBoundOptions extends WitnessOptions {
  readonly training: TrainingTerms;
  readonly privacy: PrivacyTerms;
  /** Learning rate of each step of the round (shared/learning-rates.ts); may be left out where no schedule changes it. */
  readonly rates?: Float64Array;
}

/**
 * Largest L2 norm of an honest update.
 * Noise: P(chi^2_d >= d + 2 sqrt(d x) + 2x) <= e^-x (Laurent & Massart 2000, Lemma 1), over all checks of a run.
 * Signal: every example adds at most clipping norm / expected batch size, times the weight of its step in the update,
 * and the batches of a round hold, so weighted, at most `batchFactor` times as many examples as expected, for a client
 * of the expected size as surely. A client with many times more examples than that has to train on a part of them.
 * Adam's steps have a length of their own, whatever the gradients: `adamBound`.
 */
export function normBound(options: NormBoundOptions): number {
  const { training, privacy, parameters, rates = constantRates(training) } = options;
  const { clippingNormL2, expectedBatchSize, optimiser } = training;
  if (optimiser?.name === 'adam') return adamBound(optimiser, rates) * Math.sqrt(parameters);
  const x = tailExponent(options);
  const noise =
    noiseStdDevPerParameter(training, privacy, rates) * Math.sqrt(parameters + 2 * Math.sqrt(parameters * x) + 2 * x);
  const weights = stepWeights(training, rates).map(Math.abs);
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  // Chernoff's bound holds for summands between 0 and 1: weights in units of the largest.
  const expected = (whole / weights.reduce((a, b) => Math.max(a, b), 0)) * expectedBatchSize;
  return noise + clippingNormL2 * whole * batchFactor(expected, x);
}

/**
 * Longest way of one value over the steps: rate x |m^| / sqrt(v^) each, where by Cauchy and Schwarz
 * |m| <= (1 - beta1) sqrt(sum over i < t of (beta1^2 / beta2)^i) sqrt(v / (1 - beta2)) after t steps.
 */
function adamBound({ beta1, beta2 }: Extract<LocalOptimiser, { name: 'adam' }>, rates: Float64Array): number {
  let [way, series] = [0, 0];
  for (const [step, rate] of rates.entries()) {
    series = 1 + (beta1 ** 2 / beta2) * series;
    const corrections = Math.sqrt(1 - beta2 ** (step + 1)) / (1 - beta1 ** (step + 1));
    way += rate * (1 - beta1) * Math.sqrt(series / (1 - beta2)) * corrections;
  }
  return way;
}

/**
 * How many times the `expected` examples the batches of a round can hold: 2, or more where so few are expected that
 * chance alone exceeds it. Chernoff: P(sum >= (1 + t) expected) <= e^(-expected t^2 / (2 + t)), solved for exponent x.
 */
function batchFactor(expected: number, x: number): number {
  return Math.max(2, 1 + (x + Math.sqrt(x * x + 8 * expected * x)) / (2 * expected));
}
