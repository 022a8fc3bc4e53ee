// The one account of a federation under central privacy: what all releases so far cost each client, whether or not it took
// part in them. A release is charged when its noise is drawn, before anything with it is published, and never taken back: a
// crash in between costs the charge, and the round draws and pays anew.
// Rounds that a client itself has stated as spent, of releases that a restored backup had forgotten, count for that client
// alone. What was released without a client costs it nothing, so that each one's own account holds what it has to; and
// nobody can spend the budget of others by a lie.

import { ACCOUNTANT, epsilonOf } from '../../shared/accounting/epsilon.ts';
import type { ClientId } from '../../shared/ids.ts';
import { centralEvent } from '../../shared/protocol/privacy-claim.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { CentralPrivacyTerms } from '../../shared/protocol/terms.ts';
import type { PrivacyCharge, ReleaseCharge } from './charge-store.ts';
import { chargesInPlaceOf, type ClientBudgets, type Succession } from './client-budget.ts';

export interface StatedCharges {
  readonly charges: readonly PrivacyCharge[];
  /** Clients that took another's place. */
  readonly successions: readonly Succession[];
}

/** The same answers for every client that has stated nothing. */
export function centralBudget(
  releases: readonly ReleaseCharge[],
  terms: CentralPrivacyTerms,
  stated: StatedCharges = { charges: [], successions: [] },
): ClientBudgets {
  const released = new Set(releases.map(({ round }) => round));
  const chargesOf = chargesInPlaceOf(stated.charges, stated.successions);
  const answersAfter = (spent: readonly Spent[]) => ({
    epsilon: epsilonOf(spent.map(centralEvent), terms.delta),
    affords: budgetSpent(spent, terms) === undefined,
  });
  const common = answersAfter(releases);
  const answersFor = (client: ClientId): typeof common => {
    const own = chargesOf(client).flatMap(({ round, event }) => (released.has(round) ? [] : [event]));
    return own.length === 0 ? common : answersAfter([...releases, ...own]);
  };
  return {
    epsilonOf: (client) => answersFor(client).epsilon,
    accountant: ACCOUNTANT,
    affordsRound: (client) => answersFor(client).affords,
  };
}

type Spent = Pick<ReleaseCharge, 'noiseMultiplier'>;

/** Budget-exhausted where one more release would pass it. */
export function budgetSpent(releases: readonly Spent[], terms: CentralPrivacyTerms): Refused | undefined {
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
