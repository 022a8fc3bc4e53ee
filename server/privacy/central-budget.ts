// The one account of a federation under central privacy: what all releases so far cost each client, whether or not it took
// part in them. A release is charged when its noise is drawn, before anything with it is published, and never taken back: a
// crash in between costs the charge, and the round draws and pays anew.

import { ACCOUNTANT, epsilonOf } from '../../shared/accounting/epsilon.ts';
import { centralEvent } from '../../shared/protocol/privacy-claim.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { CentralPrivacyTerms } from '../../shared/protocol/terms.ts';
import type { ReleaseCharge } from './charge-store.ts';
import type { ClientBudgets } from './client-budget.ts';

/** The same answers for every client. */
export function centralBudget(releases: readonly ReleaseCharge[], terms: CentralPrivacyTerms): ClientBudgets {
  const { delta } = terms;
  const spent = releases.map(centralEvent);
  const [epsilon, affords] = [epsilonOf(spent, delta), budgetSpent(releases, terms) === undefined];
  return { epsilonOf: () => epsilon, accountant: ACCOUNTANT, affordsRound: () => affords };
}

/** Budget-exhausted where one more release would pass it. */
export function budgetSpent(releases: readonly ReleaseCharge[], terms: CentralPrivacyTerms): Refused | undefined {
  const { delta, epsilonBudget } = terms;
  const after = epsilonOf([...releases, terms].map(centralEvent), delta);
  if (after <= epsilonBudget) return undefined;
  return refuse('budget-exhausted', {
    message: 'one more release would pass the federation’s privacy budget',
    expected: `at most epsilon ${epsilonBudget}`,
    found: `epsilon ${after.toFixed(3)}`,
    hint: 'a larger epsilonBudget may be given at a later start',
  });
}
