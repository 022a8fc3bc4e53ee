// The coordinator's side of the privacy ledgers under local privacy: what each client has spent over its whole history, and whether the
// next round still fits its budget. The client's own ledger is its authority; this one declines before it is asked.

import { ACCOUNTANT, epsilonOf } from '../../shared/accounting/epsilon.ts';
import type { ClientId } from '../../shared/ids.ts';
import { privacyEventOf } from '../../shared/protocol/privacy-claim.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import type { PrivacyCharge } from './charge-store.ts';

export interface Succession {
  readonly id: ClientId;
  readonly predecessor: ClientId | null;
}

export interface ClientBudgets {
  /** After everything charged so far; null where the terms declare no privacy or void it. */
  epsilonOf(client: ClientId): number | null;
  /** What computes them; null where there is nothing to compute. */
  readonly accountant: string | null;
  /** Whether one more round stays within the budget. */
  affordsRound(client: ClientId): boolean;
}

/** `successions`: clients that took another's place, whose spending is theirs to go on with. */
export function clientBudgets(
  charges: readonly PrivacyCharge[],
  terms: FederationTerms,
  successions: readonly Succession[] = [],
): ClientBudgets {
  const { privacy } = terms;
  const planned = privacyEventOf(terms);
  if (privacy.mode !== 'local' || !planned) {
    return { epsilonOf: () => null, accountant: null, affordsRound: () => true };
  }
  const chargesOf = chargesInPlaceOf(charges, successions);
  const spentBy = (client: ClientId) => chargesOf(client).map(({ event }) => event);
  return {
    epsilonOf: (client) => (privacy.void ? null : epsilonOf(spentBy(client), privacy.delta)),
    accountant: privacy.void ? null : ACCOUNTANT,
    affordsRound: (client) => epsilonOf([...spentBy(client), planned], privacy.delta) <= privacy.epsilonBudget,
  };
}

/** What each client was charged, after what those were whose place it took. */
export function chargesInPlaceOf(
  charges: readonly PrivacyCharge[],
  successions: readonly Succession[],
): (client: ClientId) => readonly PrivacyCharge[] {
  const byClient = new Map<ClientId, PrivacyCharge[]>();
  for (const charge of charges) {
    const own = byClient.get(charge.client);
    if (own) own.push(charge);
    else byClient.set(charge.client, [charge]);
  }
  const predecessors = new Map(successions.map(({ id, predecessor }) => [id, predecessor]));
  const chargesOf = (client: ClientId): readonly PrivacyCharge[] => {
    const before = predecessors.get(client);
    return [...(before ? chargesOf(before) : []), ...(byClient.get(client) ?? [])];
  };
  return chargesOf;
}
