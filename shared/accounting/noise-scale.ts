// The noise that an honest update must hold: both the client that adds it and the coordinator that looks for it
// (server/update/anomaly/noise-witness.ts) take the figure from here. Plain SGD, momentum and the proximal term are
// linear: a round's update is a weighted sum of its steps' gradients, so that independent noise of one size in each step
// adds up to that size times the root of the summed squares of the weights. Adam is not linear and has no such figure.

import { InvariantError } from '../invariant-error.ts';
import type { PrivacyTerms, TrainingTerms } from '../protocol/terms.ts';

/**
 * Standard deviation, per parameter, of the noise in one round's update: noise multiplier x clipping norm / expected
 * batch size x sqrt(sum of squared step weights), which is learning rate x sqrt(steps) under plain SGD. 0 where
 * clients add none. `rates`: of the round's steps (learning-rates.ts); may be left out where no schedule changes them.
 */
export function noiseStdDevPerParameter(
  training: TrainingTerms,
  privacy: PrivacyTerms,
  rates: Float64Array = constantRates(training),
): number {
  if (privacy.mode !== 'local') return 0;
  const perStep = (privacy.noiseMultiplier * training.clippingNormL2) / training.expectedBatchSize;
  return perStep * Math.sqrt(stepWeights(training, rates).reduce((sum, weight) => sum + weight * weight, 0));
}

/**
 * How often the gradient of each step, from the first to the last, is in the round's update: update = sum over steps of
 * -weight x gradient. The optimiser is the linear recursion v <- beta v + g + mu u, u <- u - r v from v = u = 0; going
 * through it from its end, `ofUpdate` and `ofVelocity` are the derivatives of the last u by the u and the v of a step.
 * @throws InvariantError for Adam.
 */
export function stepWeights({ optimiser, proximalTerm = 0 }: TrainingTerms, rates: Float64Array): Float64Array {
  if (optimiser?.name === 'adam') throw new InvariantError('expected an optimiser that is linear in its gradients');
  const beta = optimiser?.name === 'momentum' ? optimiser.beta : 0;
  const weights = new Float64Array(rates.length);
  let [ofUpdate, ofVelocity] = [1, 0];
  for (let step = rates.length - 1; step >= 0; step--) {
    const ofGradient = ofVelocity - (rates[step] ?? NaN) * ofUpdate;
    weights[step] = -ofGradient;
    ofVelocity = beta * ofGradient;
    ofUpdate += proximalTerm * ofGradient;
  }
  return weights;
}

/** Without a schedule. @throws InvariantError with one. */
export function constantRates({ learningRate, stepsPerRound, learningRateSchedule }: TrainingTerms): Float64Array {
  if (learningRateSchedule !== undefined) throw new InvariantError('expected the rates of a schedule, found none');
  return new Float64Array(stepsPerRound).fill(learningRate);
}
