// The coordinator's privacy ledgers: charges of clients, written by the update that caused them (prisma-updates.ts), and
// those of the federation under central privacy, which are entries of the ledger and nothing else.

import { asClientId } from '../../shared/ids.ts';
import type { ChargeStore, ReleaseLog } from '../privacy/charge-store.ts';
import type { FederationScope } from './federation-scope.ts';
import { parseLedgerRow } from './ledger-row.ts';
import { told } from './write-batch.ts';

export function prismaCharges({ database, federation }: FederationScope): ChargeStore {
  return {
    async charges(of) {
      const rows = await database.privacyCharge.findMany({
        where: { federation, ...(of === undefined ? {} : { client: of }) },
        orderBy: [{ round: 'asc' }, { client: 'asc' }],
      });
      return rows.map(({ client, round, noiseMultiplier, samplingRate, steps }) => ({
        client: asClientId(client),
        round,
        event: { noiseMultiplier, samplingRate, steps },
      }));
    },
  };
}

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
