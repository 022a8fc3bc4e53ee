// Clients and invites as an admin sees them: rows of the store in, plain values out.

import type { ClientView, InviteView } from './admin-acts.ts';
import { lookAlike } from './client-name.ts';
import type { EnrolledClient, Invite } from './enrolment-store.ts';
import { inviteState } from './invite-state.ts';

/** `clients`: all there are. */
export function clientView(client: EnrolledClient, clients: readonly EnrolledClient[]): ClientView {
  const { id, name, organisation, status, enrolledAt, predecessor, suspicion, judged, reason } = client;
  const facts = { id, name, organisation, status, predecessor, suspicion, judged, reason };
  return { ...facts, enrolledAt: enrolledAt.toISOString(), looksLike: likenessOf(client, clients) };
}

/** The names as they are at present: distance is null where they are alike no longer. */
function likenessOf({ name, looksLike }: EnrolledClient, clients: readonly EnrolledClient[]): ClientView['looksLike'] {
  const other = clients.find(({ id }) => id === looksLike);
  if (!other) return null;
  const likeness = lookAlike(name, [{ client: other.id, name: other.name }]);
  return { client: other.id, name: other.name, distance: likeness?.distance ?? null };
}

export function inviteView(invite: Invite, now: Date): InviteView {
  const { secretDigest: id, organisation, quota, used, expiresAt, replaces } = invite;
  return {
    id,
    organisation,
    quota,
    used,
    expiresAt: expiresAt.toISOString(),
    state: inviteState(invite, now),
    replaces,
  };
}
