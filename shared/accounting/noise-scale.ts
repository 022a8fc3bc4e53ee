// The noise that an honest update must hold: both the client that adds it and the coordinator that looks for it
// (server/update/anomaly/noise-witness.ts) take the figure from here.

import type { PrivacyTerms, TrainingTerms } from '../protocol/terms.ts';

/**
 * Standard deviation, per parameter, of the noise in one round's update under plain SGD:
 * learning rate x noise multiplier x clipping norm / expected batch size x sqrt(steps). 0 where clients add no noise.
 */
export function noiseStdDevPerParameter(training: TrainingTerms, privacy: PrivacyTerms): number {
  if (privacy.mode !== 'local') return 0;
  const perStep =
    (training.learningRate * privacy.noiseMultiplier * training.clippingNormL2) / training.expectedBatchSize;
  return perStep * Math.sqrt(training.stepsPerRound);
}
