// Rounds in the database: one row from the offer to the record. A round ends once, and a committed one brings its model
// version and its ledger entries in the same transaction.

import { canonicalJson } from '../../shared/canonical-json.ts';
import { asDigest } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { offeredRoundSchema, roundRecordSchema, type RoundRecord } from '../../shared/protocol/round-record.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import type { RoundStore } from '../round/round-store.ts';
import type { FederationScope } from './federation-scope.ts';
import type { Prisma } from './generated/client.ts';
import { fromJsonText } from './json-text.ts';
import { toModelRow } from './prisma-models.ts';
import { told } from './write-batch.ts';

export function prismaRounds(scope: FederationScope): RoundStore {
  const { database, federation } = scope;
  return {
    ...seedsOf(scope),
    offer: (round, event) =>
      scope.write(async (transaction) => {
        const last = await transaction.round.findFirst({ where: { federation }, orderBy: { number: 'desc' } });
        if (last?.state === 'offered')
          throw new InvariantError(`round ${last.number} is under way: ${round.number} cannot start`);
        const next = (last?.number ?? 0) + 1;
        if (round.number !== next) throw new InvariantError(`expected round ${next}, found ${round.number}`);
        const offer = canonicalJson(round);
        await transaction.round.create({ data: { federation, number: round.number, state: 'offered', offer } });
        return told(undefined, [event]);
      }),
    async underWay() {
      const row = await database.round.findFirst({ where: { federation, state: 'offered' } });
      return row === null ? undefined : fromJsonText(offeredRoundSchema, row.offer);
    },
    commit: (record, version, events) =>
      scope.write(async (transaction) => {
        if (version.round !== record.number || version.digest !== record.model)
          throw new InvariantError(
            `round ${record.number} commits ${record.model}, not ${version.digest} of ${version.round}`,
          );
        if (version.optimiserState !== record.optimiser.stateAfter)
          throw new InvariantError(
            `round ${record.number} leaves the state ${record.optimiser.stateAfter}, not ${version.optimiserState}`,
          );
        await endRound(transaction, scope, record);
        await transaction.modelVersion.create({ data: toModelRow(federation, version) });
        return told(undefined, await withBans(transaction, scope, events));
      }),
    abandon: (record, events) =>
      scope.write(async (transaction) => {
        await endRound(transaction, scope, record);
        return told(undefined, await withBans(transaction, scope, events));
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

function seedsOf(scope: FederationScope): Pick<RoundStore, 'seedOf' | 'commitSeed'> {
  const { database, federation } = scope;
  return {
    async seedOf(round) {
      const row = await database.roundSeed.findUnique({ where: { federation_round: { federation, round } } });
      return row === null ? undefined : { seed: asDigest(row.seed), commitment: asDigest(row.commitment) };
    },
    commitSeed: (round, { seed, commitment }, event) =>
      scope.write(async (transaction) => {
        const earlier = await transaction.roundSeed.count({ where: { federation, round } });
        if (earlier > 0) throw new InvariantError(`round ${round}: a second seed`);
        await transaction.roundSeed.create({ data: { federation, round, seed, commitment } });
        return told(undefined, [event]);
      }),
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
  for (const { client, suspicion } of record.verdicts) {
    if (suspicion === null) continue;
    const change = { suspicion, judged: { increment: 1 } };
    await transaction.client.update({ where: { federation_id: { federation, id: client } }, data: change });
  }
}

/** Makes the bans that the round's end brings. @returns the events, less bans of clients that an admin has barred since. */
async function withBans(
  transaction: Prisma.TransactionClient,
  { federation }: FederationScope,
  events: readonly LedgerEvent[],
): Promise<readonly LedgerEvent[]> {
  const standing: LedgerEvent[] = [];
  for (const event of events) {
    if (event.type !== 'client-banned') {
      standing.push(event);
      continue;
    }
    const where = { federation, id: event.client, status: 'active' };
    const { count } = await transaction.client.updateMany({
      where,
      data: { status: 'banned', reason: 'its own history' },
    });
    if (count > 0) standing.push(event);
  }
  return standing;
}
