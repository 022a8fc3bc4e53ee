// Clients and invites in the database. An invite is used and its client written in one transaction, so that a quota
// holds however many enrol at once.

import { asClientId, asDigest, asOrganisationId } from '../../shared/ids.ts';
import type { EnrolledClient, EnrolmentStore } from '../admission/enrolment-store.ts';
import { appendLedgerEntries } from './append-ledger-entry.ts';
import type { FederationScope } from './federation-scope.ts';
import type { Client as ClientRow } from './generated/client.ts';

export function prismaEnrolment(scope: FederationScope): EnrolmentStore {
  const { database, federation } = scope;
  return {
    async clients() {
      const rows = await database.client.findMany({ where: { federation }, orderBy: { id: 'asc' } });
      return rows.map(fromClientRow);
    },
    async client(id) {
      const row = await database.client.findUnique({ where: { federation_id: { federation, id } } });
      return row === null ? undefined : fromClientRow(row);
    },
    async invite(secretDigest) {
      const row = await database.invite.findUnique({
        where: { federation_secretDigest: { federation, secretDigest } },
      });
      if (row === null) return undefined;
      const { organisation, quota, used } = row;
      return { secretDigest: asDigest(row.secretDigest), organisation: asOrganisationId(organisation), quota, used };
    },
    addInvite: ({ secretDigest, organisation, quota }, event) =>
      database.$transaction(async (transaction) => {
        await transaction.invite.create({ data: { federation, secretDigest, organisation, quota, used: 0 } });
        await appendLedgerEntries(transaction, scope, [event]);
      }),
    enrol: (client, secretDigest, event) =>
      database.$transaction(async (transaction) => {
        const { id, organisation, name, publicKey, enrolledAt, banned } = client;
        const { count } = await transaction.invite.updateMany({
          where: { federation, secretDigest, used: { lt: transaction.invite.fields.quota } },
          data: { used: { increment: 1 } },
        });
        if (count === 0) return false;
        await transaction.client.create({
          data: { federation, id, organisation, name, publicKey, enrolledAt, banned },
        });
        await appendLedgerEntries(transaction, scope, [event]);
        return true;
      }),
  };
}

function fromClientRow({ id, organisation, name, publicKey, enrolledAt, banned }: ClientRow): EnrolledClient {
  return { id: asClientId(id), organisation: asOrganisationId(organisation), name, publicKey, enrolledAt, banned };
}
