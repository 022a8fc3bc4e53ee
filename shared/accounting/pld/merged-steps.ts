// A history with events alike in noise and rate merged, so that ten rounds of k steps are 10 k steps to the last bit.
// Rejects what the Renyi accountant rejects, in the same words: nothing may be charged for nonsense.

import { InvariantError } from '../../invariant-error.ts';
import type { SampledGaussianEvent } from '../privacy-event.ts';

/**
 * Ascending in noise, then in rate; without events of no steps.
 * @throws InvariantError where a figure of an event is outside its range.
 */
export function mergedSteps(events: readonly SampledGaussianEvent[]): readonly SampledGaussianEvent[] {
  const byMechanism = new Map<string, SampledGaussianEvent>();
  for (const event of events) {
    requireSound(event); // before the sum, in which a negative number of steps would vanish
    const mechanism = `${event.noiseMultiplier} ${event.samplingRate}`;
    const steps = event.steps + (byMechanism.get(mechanism)?.steps ?? 0);
    byMechanism.set(mechanism, { ...event, steps });
  }
  return [...byMechanism.values()]
    .filter(({ steps }) => steps > 0)
    .sort((a, b) => a.noiseMultiplier - b.noiseMultiplier || a.samplingRate - b.samplingRate);
}

function requireSound({ noiseMultiplier, samplingRate, steps }: SampledGaussianEvent): void {
  if (!(noiseMultiplier >= 0 && noiseMultiplier < Infinity)) {
    throw new InvariantError(`expected a finite noise multiplier of at least 0, found ${noiseMultiplier}`);
  }
  if (!(samplingRate >= 0 && samplingRate <= 1)) {
    throw new InvariantError(`expected a sampling rate from 0 to 1, found ${samplingRate}`);
  }
  if (!(Number.isSafeInteger(steps) && steps >= 0)) {
    throw new InvariantError(`expected a whole number of steps of at least 0, found ${steps}`);
  }
}
