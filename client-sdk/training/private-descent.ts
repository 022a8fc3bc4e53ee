// Gradient descent by noised gradients: base model in, the difference to it out, step by step. The one loop of private
// training, federated (local-trainer.ts) or on one machine (private-trainer.ts): all that it knows of the examples it
// gets from the mechanism, already noised. The difference grows in float64 beside the base model, so that small steps
// are not lost in large weights; rounding it to float32 afterwards takes accuracy, never privacy.

import type { LocalOptimiser } from '../../shared/protocol/terms.ts';
import type { SampledGaussian, SumClipped } from '../privacy/sampled-gaussian.ts';
import { localOptimiser } from './local-optimiser.ts';

export interface Descent {
  readonly mechanism: SampledGaussian;
  /** At the weights given, which change after it has been called. */
  readonly sumClippedAt: (weights: Float32Array) => SumClipped;
  /** Learning rate of every step; as many steps are made. */
  readonly rates: Float64Array;
  readonly optimiser: LocalOptimiser;
  /** FedProx's mu (Li et al., arXiv 1812.06127, section 3.2): adds mu (w - base model) to every gradient. */
  readonly proximalTerm: number;
  readonly signal: AbortSignal;
  /** After each step, counted from 1; the weights are those after it, to be read and not kept. */
  readonly onStep?: (step: number, weights: Float32Array) => void | Promise<void>;
}

/** Rejects with the signal's reason. */
export async function descend(baseModel: Float32Array, descent: Descent): Promise<Float64Array> {
  const { mechanism, sumClippedAt, rates, optimiser, proximalTerm, signal, onStep } = descent;
  const changeBy = localOptimiser(optimiser, baseModel.length);
  const update = new Float64Array(baseModel.length);
  const weights = Float32Array.from(baseModel);
  for (const [step, rate] of rates.entries()) {
    signal.throwIfAborted();
    const gradient = mechanism.step(sumClippedAt(weights));
    if (proximalTerm > 0) gradient.forEach((value, i) => (gradient[i] = value + proximalTerm * (update[i] ?? NaN)));
    const change = changeBy(gradient, rate);
    for (let i = 0; i < update.length; i++) {
      const value = (update[i] ?? NaN) + (change[i] ?? NaN);
      update[i] = value;
      weights[i] = (baseModel[i] ?? NaN) + value;
    }
    await onStep?.(step + 1, weights);
    await breathe();
  }
  signal.throwIfAborted();
  return update;
}

/** Lets sockets and timers have their turn: a heartbeat missed during training would cost the round. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
