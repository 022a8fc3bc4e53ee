// How large an honest update can be: its noise and its signal at their largest, added. Public, since it follows from
// the federation's terms alone. It stops boosted updates before any rule sees them.

import { noiseStdDevPerParameter } from '../../../shared/accounting/noise-scale.ts';
import type { PrivacyTerms, TrainingTerms } from '../../../shared/protocol/terms.ts';
import type { WitnessOptions } from './noise-witness.ts';
import { tailExponent } from './noise-witness.ts';

export interface NormBoundOptions extends WitnessOptions {
  readonly training: TrainingTerms;
  readonly privacy: PrivacyTerms;
}

/**
 * Largest L2 norm of an honest update.
 * Noise: P(chi^2_d >= d + 2 sqrt(d x) + 2x) <= e^-x (Laurent & Massart 2000, Lemma 1), over all checks of a run.
 * Signal: every example adds at most clipping norm / expected batch size, and the batches of a round hold at most
 * `batchFactor` times as many examples as expected, for a client of the expected size as surely. A client with many
 * times more examples than that has to train on a part of them.
 */
export function normBound(options: NormBoundOptions): number {
  const { training, privacy, parameters } = options;
  const x = tailExponent(options);
  const noise =
    noiseStdDevPerParameter(training, privacy) * Math.sqrt(parameters + 2 * Math.sqrt(parameters * x) + 2 * x);
  const { learningRate, clippingNormL2, stepsPerRound, expectedBatchSize } = training;
  const signal = learningRate * clippingNormL2 * stepsPerRound * batchFactor(stepsPerRound * expectedBatchSize, x);
  return noise + signal;
}

/**
 * How many times the `expected` examples the batches of a round can hold: 2, or more where so few are expected that
 * chance alone exceeds it. Chernoff: P(sum >= (1 + t) expected) <= e^(-expected t^2 / (2 + t)), solved for exponent x.
 */
function batchFactor(expected: number, x: number): number {
  return Math.max(2, 1 + (x + Math.sqrt(x * x + 8 * expected * x)) / (2 * expected));
}
