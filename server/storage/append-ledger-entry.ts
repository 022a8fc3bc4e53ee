// Adds entries to a federation's ledger inside the transaction of the transition they record. Transactions run one after
// the other, so the last number read is the last one there is: sequences count from 1 without a gap or a repeat.

import { canonicalJson } from '../../shared/canonical-json.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import type { FederationScope } from './federation-scope.ts';
import type { Prisma } from './generated/client.ts';

export async function appendLedgerEntries(
  transaction: Prisma.TransactionClient,
  { federation, clock }: FederationScope,
  events: readonly LedgerEvent[],
): Promise<void> {
  const last = await transaction.ledgerEntry.findFirst({
    where: { federation },
    orderBy: { sequence: 'desc' },
    select: { sequence: true },
  });
  const first = (last?.sequence ?? 0) + 1;
  const at = clock.now();
  await transaction.ledgerEntry.createMany({
    data: events.map((event, index) => {
      const sequence = first + index;
      const row = canonicalJson({ sequence, federation, at: at.toISOString(), ...event });
      return { federation, sequence, at, type: event.type, round: roundOf(event), client: clientOf(event), row };
    }),
  });
}

const roundOf = (event: LedgerEvent): number | null => ('round' in event ? event.round : null);
const clientOf = (event: LedgerEvent): string | null => ('client' in event ? event.client : null);
