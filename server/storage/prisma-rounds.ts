// Rounds in the database: one row from the offer to the record. A round ends once, and a committed one brings its model
// version and its ledger entries in the same transaction.

import { canonicalJson } from '../../shared/canonical-json.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { offeredRoundSchema, roundRecordSchema, type RoundRecord } from '../../shared/protocol/round-record.ts';
import type { RoundStore } from '../round/round-store.ts';
import { appendLedgerEntries } from './append-ledger-entry.ts';
import type { FederationScope } from './federation-scope.ts';
import type { Prisma } from './generated/client.ts';
import { fromJsonText } from './json-text.ts';
import { toModelRow } from './prisma-models.ts';

export function prismaRounds(scope: FederationScope): RoundStore {
  const { database, federation } = scope;
  return {
    offer: (round, event) =>
      database.$transaction(async (transaction) => {
        const last = await transaction.round.findFirst({ where: { federation }, orderBy: { number: 'desc' } });
        if (last?.state === 'offered')
          throw new InvariantError(`round ${last.number} is under way: ${round.number} cannot start`);
        const next = (last?.number ?? 0) + 1;
        if (round.number !== next) throw new InvariantError(`expected round ${next}, found ${round.number}`);
        const offer = canonicalJson(round);
        await transaction.round.create({ data: { federation, number: round.number, state: 'offered', offer } });
        await appendLedgerEntries(transaction, scope, [event]);
      }),
    async underWay() {
      const row = await database.round.findFirst({ where: { federation, state: 'offered' } });
      return row === null ? undefined : fromJsonText(offeredRoundSchema, row.offer);
    },
    commit: (record, version, events) =>
      database.$transaction(async (transaction) => {
        if (version.round !== record.number || version.digest !== record.model)
          throw new InvariantError(
            `round ${record.number} commits ${record.model}, not ${version.digest} of ${version.round}`,
          );
        await endRound(transaction, scope, record);
        await transaction.modelVersion.create({ data: toModelRow(federation, version) });
        await appendLedgerEntries(transaction, scope, events);
      }),
    abandon: (record, events) =>
      database.$transaction(async (transaction) => {
        await endRound(transaction, scope, record);
        await appendLedgerEntries(transaction, scope, events);
      }),
    async record(number) {
      const row = await database.round.findUnique({ where: { federation_number: { federation, number } } });
      return row?.record ? fromJsonText(roundRecordSchema, row.record) : undefined;
    },
    async records() {
      const rows = await database.round.findMany({ where: { federation }, orderBy: { number: 'asc' } });
      return rows.flatMap(({ record }) => (record === null ? [] : [fromJsonText(roundRecordSchema, record)]));
    },
  };
}

async function endRound(
  transaction: Prisma.TransactionClient,
  { federation }: FederationScope,
  record: RoundRecord,
): Promise<void> {
  const { count } = await transaction.round.updateMany({
    where: { federation, number: record.number, state: 'offered' },
    data: { state: record.state, record: canonicalJson(record) },
  });
  if (count === 0) throw new InvariantError(`round ${record.number} is not under way: it cannot end`);
}
