// What one fit may release, the whole history of its examples counted: all its steps, under noise with which they fit the
// budget, or under noise that was asked for as many as the budget allows.

import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { rdpAccountantWith } from '../../shared/accounting/rdp-accountant.ts';
import { RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import type { TrainingTerms } from '../../shared/protocol/terms.ts';
import { checkedAdaptiveClipping } from '../privacy/adaptive-clipping.ts';
import { affordableSteps, leastNoiseMultiplier } from '../privacy/step-budget.ts';
import type { FitOptions } from './fit-options.ts';

/** At least one step. @throws RefusedError budget-exhausted; Error that names the option which is out of its range. */
export function plannedRelease(
  { samplingRate, stepsPerRound: steps }: TrainingTerms,
  { targetEpsilon: epsilon, targetDelta: delta, noiseMultiplier: given, adaptiveClipping }: FitOptions,
  history: readonly SampledGaussianEvent[],
): SampledGaussianEvent {
  const accountant = rdpAccountantWith({ remembers: true });
  const budget = { epsilon, delta, history, accountant };
  const noiseMultiplier = given ?? leastNoiseMultiplier({ samplingRate, steps }, budget);
  if (adaptiveClipping) checkedAdaptiveClipping(adaptiveClipping, noiseMultiplier);
  const event = { noiseMultiplier, samplingRate, steps };
  const affordable = affordableSteps(event, budget);
  if (affordable > 0) return { ...event, steps: affordable };
  const after = accountant.epsilon([...history, { ...event, steps: 1 }], delta).epsilon;
  const found = `epsilon ${after.toFixed(3)} after one more step`;
  throw new RefusedError(refuse('budget-exhausted', { expected: `at most epsilon ${epsilon}`, found }).refusal);
}
