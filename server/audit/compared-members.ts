// Clients and invites of a data folder beside what the ledger's course makes of them.

import type { ClientId, Digest } from '../../shared/ids.ts';
import type { Compared } from './compared-rounds.ts';
import type { IssuedInvite, Standing } from './course-of-clients.ts';
import type { Course } from './follow-course.ts';
import type { FolderFacts } from './folder-facts.ts';

export function comparedClients({ clients }: FolderFacts, course: Course): Compared {
  const name = (id: ClientId): string => `client ${id}`;
  const said = (standing: Omit<Standing, 'invite'>): string => {
    const { organisation, status, predecessor, looksLike, suspicion, judged } = standing;
    const place = `in the place of ${predecessor ?? 'none'}, like ${looksLike ?? 'none'}`;
    return `${status}, of ${organisation}, suspicion ${suspicion} after ${judged} rounds, ${place}`;
  };
  return {
    table: new Map(clients.map((client) => [name(client.id), said(client)])),
    ledger: new Map([...course.clients].map(([id, standing]) => [name(id), said(standing)])),
  };
}

export function comparedInvites({ invites }: FolderFacts, course: Course): Compared {
  const name = (invite: Digest): string => `invite ${invite}`;
  const said = ({ organisation, quota, used, expiresAt, revoked, replaces }: IssuedInvite): string => {
    const state = `${revoked ? 'revoked' : 'not revoked'}, to replace ${replaces ?? 'none'}`;
    return `for ${organisation}, used ${used} of ${quota}, until ${expiresAt.toISOString()}, ${state}`;
  };
  return {
    table: new Map(invites.map((invite) => [name(invite.secretDigest), said(invite)])),
    ledger: new Map([...course.invites].map(([digest, invite]) => [name(digest), said(invite)])),
  };
}
