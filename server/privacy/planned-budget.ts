// Whether the rounds that a founded federation still plans fit its budget: the noise was calibrated when it was founded
// and stays, so that more rounds cost more epsilon. Asked before anybody trains under terms that cannot be kept.

import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';

/** `allowWith`: how whoever asked can say a budget, in their own words. */
export function budgetComplaint(
  { rounds, training, privacy }: Pick<FederationTerms, 'rounds' | 'training' | 'privacy'>,
  allowWith: (epsilon: string) => string,
): Refused | undefined {
  if (privacy.mode === 'none') return undefined;
  const { noiseMultiplier, delta, epsilonBudget } = privacy;
  const needed = epsilonOf([{ noiseMultiplier, ...plannedSteps({ rounds, training, privacy }) }], delta);
  if (needed <= epsilonBudget) return undefined;
  return refuse('budget-exhausted', {
    message: `${rounds} rounds with the folder's noise would pass the privacy budget`,
    expected: `at most epsilon ${epsilonBudget}`,
    found: `epsilon ${needed.toFixed(3)}`,
    hint: `allow it with ${allowWith((Math.ceil(needed * 100) / 100).toFixed(2))}, or run fewer rounds`,
  });
}

/** Under central privacy a round is one step that every client takes part in; under local it has its own. */
export function plannedSteps({
  rounds,
  training,
  privacy,
}: Pick<FederationTerms, 'rounds' | 'training'> & {
  readonly privacy: { readonly mode: 'local' | 'central' };
}): Pick<SampledGaussianEvent, 'samplingRate' | 'steps'> {
  if (privacy.mode === 'central') return { samplingRate: 1, steps: rounds };
  return { samplingRate: training.samplingRate, steps: rounds * training.stepsPerRound };
}
