// Clients and invites for a person who decides about them. Every name has been vetted; ids are cut to what names them.

import type { ClientView, InviteView } from '../server/admission/admin-acts.ts';
import { counted, table } from './text.ts';

export function clientsText(clients: readonly ClientView[]): string {
  if (clients.length === 0) return 'No client has enrolled yet. Let one in with: muster invite ORGANISATION';
  const rows = clients.map((client) => [
    shortId(client.id),
    client.name,
    client.organisation,
    client.status,
    client.enrolledAt.slice(0, 10),
    client.suspicion.toFixed(2),
    client.judged,
    client.looksLike ? likeness(client.looksLike) : '',
    client.reason ?? '',
  ]);
  const head = ['client', 'name', 'organisation', 'status', 'enrolled', 'suspicion', 'judged', 'looks like', 'reason'];
  return table(head, rows);
}

export function clientText({ id, name, organisation, status, looksLike }: ClientView): string {
  const line = `Client ${shortId(id)} ("${name}" of ${organisation}) is ${status}.`;
  return looksLike ? `${line}\nIts name looks like that of another client: ${likeness(looksLike)}` : line;
}

export function invitesText(invites: readonly InviteView[]): string {
  if (invites.length === 0) return 'No invite has been issued yet. Issue one with: muster invite ORGANISATION';
  const rows = invites.map(({ id, organisation, state, used, quota, expiresAt, replaces }) => [
    shortId(id),
    organisation,
    state,
    `${used} of ${quota}`,
    expiresAt,
    replaces === null ? '' : shortId(replaces),
  ]);
  return table(['invite', 'organisation', 'state', 'used', 'expires', 'replaces the key of'], rows);
}

/** The invite itself comes first and alone on its line, to be passed on. */
export function issuedText({ id, organisation, quota, expiresAt, replaces }: InviteView, text: string): string {
  const use = replaces === null ? `enrols ${counted(quota, 'client')}` : `lets one key replace ${shortId(replaces)}`;
  const note = 'Shown once: whoever has it can use it.';
  return `${text}\nInvite ${shortId(id)} of ${organisation} ${use}, until ${expiresAt}. ${note}`;
}

function likeness({ client, name, distance }: NonNullable<ClientView['looksLike']>): string {
  const edits =
    distance === null ? '' : distance === 0 ? ', the same to the eye' : `, ${counted(distance, 'edit')} apart`;
  return `"${name}" (${shortId(client)}${edits})`;
}

export const shortId = (id: string): string => id.slice(0, 12);
