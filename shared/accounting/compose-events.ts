// Any history of releases reduced to one sampled Gaussian per mechanism (noise multiplier and sampling rate), in a fixed
// order: ten rounds of k steps are 10 k steps to the last bit, k composes are compose k, and no order of events matters.

import { InvariantError } from '../invariant-error.ts';
import { type PrivacyEvent, requireCount, requireSound, type SampledGaussianEvent } from './privacy-event.ts';

/**
 * Ascending in noise, then in sampling rate; mechanisms that were never used are left out.
 * @throws InvariantError where a figure of an event is outside its range, used or not.
 */
export function composeEvents(events: readonly PrivacyEvent[]): readonly SampledGaussianEvent[] {
  const byMechanism = new Map<string, SampledGaussianEvent>();
  for (const event of events) gather(event, 1, byMechanism);
  return [...byMechanism.values()]
    .filter(({ steps }) => steps > 0)
    .sort((a, b) => a.noiseMultiplier - b.noiseMultiplier || a.samplingRate - b.samplingRate);
}

function gather(event: PrivacyEvent, times: number, byMechanism: Map<string, SampledGaussianEvent>): void {
  if (!('kind' in event)) return add(event, times, byMechanism);
  switch (event.kind) {
    case 'gaussian':
      return add({ ...event, samplingRate: 1, steps: 1 }, times, byMechanism);
    case 'composed':
      return event.events.forEach((each) => gather(each, times, byMechanism));
    case 'counted':
      requireCount(event.count, 'releases');
      return gather(event.event, times * event.count, byMechanism);
  }
}

function add(event: SampledGaussianEvent, times: number, byMechanism: Map<string, SampledGaussianEvent>): void {
  requireSound(event); // before the sum, in which a negative number of steps would vanish
  const { noiseMultiplier, samplingRate } = event;
  const mechanism = `${noiseMultiplier} ${samplingRate}`;
  const steps = times * event.steps + (byMechanism.get(mechanism)?.steps ?? 0);
  if (!Number.isSafeInteger(steps)) throw new InvariantError(`expected fewer than 2^53 steps, found ${steps}`);
  byMechanism.set(mechanism, { noiseMultiplier, samplingRate, steps });
}
