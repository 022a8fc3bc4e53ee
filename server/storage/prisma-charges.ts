// The coordinator's privacy ledgers: charges of clients, written by the update that caused them (prisma-updates.ts) or
// stated by the client itself, and those of the federation under central privacy; the latter two are entries of the ledger
// and nothing else.

import { asClientId, type ClientId, compareText } from '../../shared/ids.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import type { ChargeStore, PrivacyCharge, ReleaseLog } from '../privacy/charge-store.ts';
import type { FederationScope } from './federation-scope.ts';
import { parseLedgerRow } from './ledger-row.ts';
import { told } from './write-batch.ts';

export function prismaCharges(scope: FederationScope): ChargeStore {
  const { database, federation } = scope;
  const announced = async (where: { client?: ClientId }): Promise<readonly PrivacyCharge[]> => {
    const rows = await database.privacyCharge.findMany({ where: { federation, ...where } });
    return rows.map(({ client, round, noiseMultiplier, samplingRate, steps }) => ({
      client: asClientId(client),
      round,
      event: { noiseMultiplier, samplingRate, steps },
    }));
  };
  const stated = async (where: { client?: ClientId }): Promise<readonly PrivacyCharge[]> => {
    const entries = await database.ledgerEntry.findMany({
      where: { federation, type: 'spent-rounds-stated', ...where },
    });
    return entries.flatMap(({ row }) => statedIn(parseLedgerRow(row).event));
  };
  return {
    async charges(client) {
      const where = client === undefined ? {} : { client };
      const found = [...(await stated(where)), ...(await announced(where))];
      const byPlace = new Map(found.map((charge) => [`${charge.round} ${charge.client}`, charge]));
      return [...byPlace.values()].sort((a, b) => a.round - b.round || compareText(a.client, b.client));
    },
    chargeStated: (event) => scope.write(() => Promise.resolve(told(undefined, [event]))),
  };
}

function statedIn(event: LedgerEvent): readonly PrivacyCharge[] {
  if (event.type !== 'spent-rounds-stated') return [];
  const { client, charged, noiseMultiplier, samplingRate, steps } = event;
  return charged.map((round) => ({ client, round, event: { noiseMultiplier, samplingRate, steps } }));
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
