// The ledger in the database: rows are read back as they were written, in the order of their numbers.

import type { LedgerStore } from '../ledger/ledger-event.ts';
import { appendLedgerEntries } from './append-ledger-entry.ts';
import type { FederationScope } from './federation-scope.ts';
import { parseLedgerRow } from './ledger-row.ts';

export function prismaLedger(scope: FederationScope): LedgerStore {
  const { database, federation } = scope;
  return {
    append: (event) => database.$transaction((transaction) => appendLedgerEntries(transaction, scope, [event])),
    async entries() {
      const entries = await database.ledgerEntry.findMany({
        where: { federation },
        orderBy: { sequence: 'asc' },
        select: { row: true },
      });
      return entries.map(({ row }) => parseLedgerRow(row));
    },
  };
}
