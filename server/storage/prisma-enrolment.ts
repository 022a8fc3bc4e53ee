// Clients and invites in the database. An invite is used and its client written in one transaction, so that a quota
// holds however many enrol at once; a status changes only from the states that the act allows.

import { z } from 'zod';
import { asClientId, asDigest, asOrganisationId, type ClientId, type FederationId } from '../../shared/ids.ts';
import type { ClientStatus, EnrolledClient, EnrolmentStore, Invite } from '../admission/enrolment-store.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import type { FederationScope } from './federation-scope.ts';
import type { Client as ClientRow, Invite as InviteRow, Prisma } from './generated/client.ts';
import { nothingDone, told } from './write-batch.ts';

const statusSchema = z.enum(['pending', 'active', 'banned', 'revoked', 'rotated']) satisfies z.ZodType<ClientStatus>;
/** A ban does not go away with the key, and a place is taken once. */
const replaceable: ClientStatus[] = ['active', 'revoked'];

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
    ...invitesOf(scope),
    enrol: (client, secretDigest, events) =>
      scope.write(async (transaction) => {
        if (!(await leavesItsPlace(transaction, { federation, id: client.predecessor }))) return nothingDone(false);
        const { count } = await transaction.invite.updateMany({
          where: { federation, secretDigest, revoked: false, used: { lt: transaction.invite.fields.quota } },
          data: { used: { increment: 1 } },
        });
        if (count === 0) return nothingDone(false);
        const history = await takenOver(transaction, { federation, id: client.predecessor });
        await transaction.client.create({ data: { federation, ...client, ...history } });
        return told(true, events);
      }),
    changeStatus: ({ client, from, to, reason }, event) =>
      scope.write(async (transaction) => {
        const { count } = await transaction.client.updateMany({
          where: { federation, id: client, status: { in: [...from] } },
          // Whoever is let back in begins afresh.
          data: { status: to, reason, ...(event.type === 'client-unbanned' ? { suspicion: 0 } : {}) },
        });
        if (count === 0) return nothingDone(false);
        if (event.type !== 'client-revoked') return told(true, [event]);
        return told(true, [event, ...(await revokeReplacements(transaction, { federation, replaces: client }))]);
      }),
  };
}

function invitesOf(scope: FederationScope): Pick<EnrolmentStore, 'invite' | 'invites' | 'addInvite' | 'revokeInvite'> {
  const { database, federation } = scope;
  return {
    async invite(secretDigest) {
      const row = await database.invite.findUnique({
        where: { federation_secretDigest: { federation, secretDigest } },
      });
      return row === null ? undefined : fromInviteRow(row);
    },
    async invites() {
      const rows = await database.invite.findMany({ where: { federation }, orderBy: { secretDigest: 'asc' } });
      return rows.map(fromInviteRow);
    },
    addInvite: (invite, event) =>
      scope.write(async (transaction) => {
        await transaction.invite.create({ data: { federation, ...invite, used: 0, revoked: false } });
        return told(undefined, [event]);
      }),
    revokeInvite: (secretDigest, event) =>
      scope.write(async (transaction) => {
        const { count } = await transaction.invite.updateMany({
          where: { federation, secretDigest, revoked: false },
          data: { revoked: true },
        });
        return count > 0 ? told(true, [event]) : nothingDone(false);
      }),
  };
}

async function leavesItsPlace(
  transaction: Prisma.TransactionClient,
  { federation, id }: { readonly federation: FederationId; readonly id: ClientId | null },
): Promise<boolean> {
  if (id === null) return true;
  return (await transaction.client.count({ where: { federation, id, status: { in: replaceable } } })) > 0;
}

function fromClientRow(row: ClientRow): EnrolledClient {
  const { id, organisation, status, predecessor, looksLike } = row;
  const { name, publicKey, enrolledAt, reason, suspicion, judged } = row;
  return {
    name,
    publicKey,
    enrolledAt,
    reason,
    suspicion,
    judged,
    id: asClientId(id),
    organisation: asOrganisationId(organisation),
    status: statusSchema.parse(status),
    predecessor: predecessor === null ? null : asClientId(predecessor),
    looksLike: looksLike === null ? null : asClientId(looksLike),
  };
}

function fromInviteRow({ secretDigest, organisation, quota, used, expiresAt, revoked, replaces }: InviteRow): Invite {
  return {
    secretDigest: asDigest(secretDigest),
    organisation: asOrganisationId(organisation),
    quota,
    used,
    expiresAt,
    revoked,
    replaces: replaces === null ? null : asClientId(replaces),
  };
}

/** Invites that were to replace a key which is now revoked: an admin who still means it issues another. */
async function revokeReplacements(
  transaction: Prisma.TransactionClient,
  replacing: { readonly federation: string; readonly replaces: string },
): Promise<readonly LedgerEvent[]> {
  const where = { ...replacing, revoked: false, used: 0 };
  const open = await transaction.invite.findMany({ where, orderBy: { secretDigest: 'asc' } });
  await transaction.invite.updateMany({ where, data: { revoked: true } });
  return open.map(({ secretDigest }) => ({ type: 'invite-revoked', invite: asDigest(secretDigest) }));
}

/** Ends the client whose place is taken. @returns its history as it is at this moment: a round may just have ended. */
async function takenOver(
  transaction: Prisma.TransactionClient,
  { federation, id }: { readonly federation: string; readonly id: string | null },
): Promise<{ readonly suspicion?: number; readonly judged?: number }> {
  if (id === null) return {};
  const where = { federation_id: { federation, id } };
  const { suspicion, judged } = await transaction.client.update({ where, data: { status: 'rotated' } });
  return { suspicion, judged };
}
