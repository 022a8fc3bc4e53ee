// The coordinator's privacy ledger, read: charges are written by the update that caused them (prisma-updates.ts).

import { asClientId } from '../../shared/ids.ts';
import type { ChargeStore } from '../privacy/charge-store.ts';
import type { FederationScope } from './federation-scope.ts';

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
