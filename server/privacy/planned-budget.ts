// Whether the rounds that a founded federation still plans fit its budget: the noise was calibrated when it was founded
// and stays, so that more rounds cost more epsilon. Asked before anybody trains under terms that cannot be kept.

import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';

/** `allowWith`: how whoever asked can say a budget, in their own words. */
export function budgetComplaint(
  { rounds, training, privacy }: Pick<FederationTerms, 'rounds' | 'training' | 'privacy'>,
  allowWith: (epsilon: string) => string,
): Refused | undefined {
  if (privacy.mode === 'none') return undefined;
  const { noiseMultiplier, delta, epsilonBudget } = privacy;
  const { samplingRate, stepsPerRound } = training;
  const needed = epsilonOf([{ noiseMultiplier, samplingRate, steps: rounds * stepsPerRound }], delta);
  if (needed <= epsilonBudget) return undefined;
  return refuse('budget-exhausted', {
    message: `${rounds} rounds with the folder's noise would pass the privacy budget`,
    expected: `at most epsilon ${epsilonBudget}`,
    found: `epsilon ${needed.toFixed(3)}`,
    hint: `allow it with ${allowWith((Math.ceil(needed * 100) / 100).toFixed(2))}, or run fewer rounds`,
  });
}
