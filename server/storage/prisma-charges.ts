// The coordinator's privacy ledgers: charges of clients, written by the update that caused them (prisma-updates.ts) or
// with the client's own statement, and those of the federation under central privacy, which are entries of the ledger and
// nothing else.

import { asClientId, compareText } from '../../shared/ids.ts';
import type { ChargeStore, PrivacyCharge, ReleaseLog } from '../privacy/charge-store.ts';
import type { FederationScope } from './federation-scope.ts';
import type { PrivacyCharge as ChargeRow } from './generated/client.ts';
import { parseLedgerRow } from './ledger-row.ts';
import { told } from './write-batch.ts';

export function prismaCharges(scope: FederationScope): ChargeStore {
  const { database, federation } = scope;
  return {
    async charges(client) {
      const where = { federation, ...(client === undefined ? {} : { client }) };
      const rows = await database.privacyCharge.findMany({ where });
      return rows.map(fromChargeRow).sort((a, b) => a.round - b.round || compareText(a.client, b.client));
    },
    chargeStated: (event) =>
      scope.write(async (transaction) => {
        const { client, rounds, noiseMultiplier, samplingRate, steps } = event;
        const cost = { noiseMultiplier, samplingRate, steps };
        const charges = rounds.map((round) => ({ federation, round, client, ...cost }));
        await transaction.privacyCharge.createMany({ data: charges });
        return told(undefined, [event]);
      }),
  };
}

const fromChargeRow = ({ client, round, noiseMultiplier, samplingRate, steps }: ChargeRow): PrivacyCharge => ({
  client: asClientId(client),
  round,
  event: { noiseMultiplier, samplingRate, steps },
});

export function prismaReleases(scope: FederationScope): ReleaseLog {
  const { database, federation } = scope;
  return {
    async releases() {
      const where = { federation, type: 'round-charged' };
      const rows = await database.ledgerEntry.findMany({ where, orderBy: { sequence: 'asc' } });
      return rows.flatMap(({ row }) => {
        const { event } = parseLedgerRow(row);
        if (event.type !== 'round-charged') return [];
        const { round, noiseMultiplier, noiseCommitment } = event;
        return [{ round, noiseMultiplier, noiseCommitment }];
      });
    },
    charge: (release) => scope.write(() => Promise.resolve(told(undefined, [{ type: 'round-charged', ...release }]))),
  };
}
