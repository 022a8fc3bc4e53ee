// The ledger of a round under way -> why clients of its cohort will send nothing, as the coordinator knew it before it
// was restarted: those that declined, and those whose statement for this round did not hold. Without it the round would
// wait for them until its deadline and tell them the wrong verdict.

import type { ClientId } from '../../shared/ids.ts';
import { type RefusalCode, refusalCatalogue } from '../../shared/protocol/refusals.ts';
import type { OfferedRound } from '../../shared/protocol/round-record.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';

/** `withRow`: clients with an update on record, which speaks for itself. */
export function turnedAwayFrom(
  events: readonly LedgerEvent[],
  { number, cohort }: OfferedRound,
  withRow: ReadonlySet<ClientId>,
): ReadonlyMap<ClientId, RefusalCode> {
  const codes = new Map<ClientId, RefusalCode>();
  for (const event of events) {
    if (event.type !== 'declined' && event.type !== 'refused') continue;
    const { round, client, code } = event;
    if (round !== number || !cohort.includes(client) || withRow.has(client)) continue;
    if (event.type === 'declined' || isStatementsOwn(code)) codes.set(client, code);
  }
  return codes;
}

/**
 * A statement for the round itself is refused by the layer of integrity or for its size. The ledger notes under the round
 * that is open whatever else a client says, a belated update of the round before or a second join among it: that takes
 * nothing from it.
 */
const isStatementsOwn = (code: RefusalCode): boolean =>
  code === 'too-large' || (refusalCatalogue[code].layer === 'integrity' && code !== 'replayed');
