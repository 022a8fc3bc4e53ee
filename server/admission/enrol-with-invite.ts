// A key that proved itself and is not enrolled yet: its invite and its name in, a client in the store (active, or pending
// for an admin to look at) or a refusal out. An invite may let a key take the place of another client's: the history
// comes along, a ban does not go away.

import { sha256 } from '../../shared/digest.ts';
import type { ClientId, FederationId } from '../../shared/ids.ts';
import { parseInvite } from '../../shared/protocol/invite.ts';
import type { Join } from '../../shared/protocol/messages.ts';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import { lookAlike, vetName } from './client-name.ts';
import { type ClientStatus, type EnrolledClient, type EnrolmentStore, type Invite } from './enrolment-store.ts';
import { inviteState } from './invite-state.ts';

export interface EnrolmentPlace {
  readonly federation: FederationId;
  readonly enrolment: EnrolmentStore;
  readonly admission: {
    /** True: whoever enrols waits for an admin's approval. */
    readonly approval: boolean;
    /** What becomes of a client whose name could be taken for another's. */
    readonly lookAlikeNames: 'hold' | 'refuse';
  };
  /** Told of a client that takes part no longer because another key has taken its place. */
  onBarred(client: ClientId): void;
}

export interface Newcomer {
  readonly id: ClientId;
  readonly join: Pick<Join, 'name' | 'publicKey' | 'invite'>;
  readonly now: Date;
}

/** Whose key may be replaced: neither who is banned nor who was never let in. */
export const replaceableStatuses: readonly ClientStatus[] = ['active', 'revoked'];

/** Refuses not-enrolled, wrong-federation, not-applicable, bad-name and look-alike-name. */
export async function enrolWithInvite(newcomer: Newcomer, place: EnrolmentPlace): Promise<EnrolledClient | Refused> {
  const { enrolment } = place;
  const invite = await usableInvite(newcomer, place);
  if (isRefused(invite)) return invite;
  const replaced = await replacedBy(invite, enrolment);
  if (replaced && isRefused(replaced)) return replaced;
  const client = await admissible({ ...newcomer, invite, replaced }, place);
  if (isRefused(client)) return client;
  if (!(await enrolment.enrol(client, invite.secretDigest, eventsOf(client, invite))))
    return await outrun(invite, enrolment);
  if (replaced) place.onBarred(replaced.id);
  return client;
}

/** It was good a moment ago: used up or revoked since, or the client that it replaces may not be replaced any more. */
async function outrun(invite: Invite, enrolment: EnrolmentStore): Promise<Refused> {
  const replaced = await replacedBy(invite, enrolment);
  if (replaced && isRefused(replaced)) return replaced;
  const issued = await enrolment.invite(invite.secretDigest);
  return useless(issued?.revoked ? 'revoked' : 'used-up', invite);
}

async function usableInvite(
  { join, now }: Newcomer,
  { federation, enrolment }: EnrolmentPlace,
): Promise<Invite | Refused> {
  if (join.invite === null) return notEnrolled('an invite', 'none');
  const invite = parseInvite(join.invite);
  if (!invite) return notEnrolled('an invite, whole: federation.secret.key', 'a text that is none');
  if (invite.federation !== federation) return refuse('wrong-federation', { found: invite.federation });
  const issued = await enrolment.invite(await sha256(invite.secret));
  if (!issued) return notEnrolled('an invite of this federation', 'one that was never issued here');
  const state = inviteState(issued, now);
  return state === 'open' ? issued : useless(state, issued);
}

function useless(state: 'used-up' | 'expired' | 'revoked', { quota, expiresAt }: Invite): Refused {
  const found = {
    'used-up': `one that is used up: it was good for ${quota} ${quota === 1 ? 'client' : 'clients'}`,
    expired: `one that expired at ${expiresAt.toISOString()}`,
    revoked: 'one that was revoked',
  };
  return notEnrolled('an invite that is still good', found[state]);
}

function notEnrolled(expected: string, found: string): Refused {
  return refuse('not-enrolled', { expected, found, hint: 'ask the federation’s admin for an invite: muster invite' });
}

/** Asked again when the invite is used: it may have been issued before the client was banned or replaced. */
async function replacedBy(
  { replaces }: Invite,
  enrolment: EnrolmentStore,
): Promise<EnrolledClient | Refused | undefined> {
  if (replaces === null) return undefined;
  const replaced = await enrolment.client(replaces);
  if (replaced && replaceableStatuses.includes(replaced.status)) return replaced;
  return refuse('not-applicable', {
    expected: `an invite to replace a client that is ${replaceableStatuses.join(' or ')}`,
    found: `one to replace a client that is ${replaced?.status ?? 'not there'}`,
    hint: 'ask the federation’s admin',
  });
}

type Candidate = Newcomer & { readonly invite: Invite; readonly replaced: EnrolledClient | undefined };

/** The client as it may be written, its name vetted and compared. */
async function admissible(
  { id, join, now, invite, replaced }: Candidate,
  { enrolment, admission }: EnrolmentPlace,
): Promise<EnrolledClient | Refused> {
  const vetted = vetName(join.name);
  if (isRefused(vetted)) return vetted;
  const { name } = vetted;
  // An active client was let in under its name, and nobody since under one like it. A revoked one has let go of its own.
  const isVouched = replaced?.status === 'active';
  const keepsName = isVouched && name === replaced.name;
  const rival = keepsName ? undefined : lookAlike(name, namesInUse(await enrolment.clients(), replaced));
  if (rival && admission.lookAlikeNames === 'refuse')
    return refuse('look-alike-name', { hint: 'choose a name that cannot be taken for another client’s' });
  return {
    id,
    organisation: invite.organisation,
    name,
    publicKey: join.publicKey,
    enrolledAt: now,
    status: rival || (admission.approval && !isVouched) ? 'pending' : 'active',
    reason: null,
    predecessor: replaced?.id ?? null,
    looksLike: keepsName ? replaced.looksLike : (rival?.client ?? null),
    suspicion: replaced?.suspicion ?? 0,
    judged: replaced?.judged ?? 0,
  };
}

function namesInUse(
  clients: readonly EnrolledClient[],
  replaced: EnrolledClient | undefined,
): readonly { readonly client: ClientId; readonly name: string }[] {
  return clients
    .filter(({ id, status }) => id !== replaced?.id && status !== 'revoked' && status !== 'rotated')
    .map(({ id, name }) => ({ client: id, name }));
}

function eventsOf(client: EnrolledClient, { secretDigest: invite }: Invite): readonly LedgerEvent[] {
  const { id, organisation, looksLike, predecessor } = client;
  const status = client.status === 'pending' ? 'pending' : 'active';
  const enrolled = { type: 'client-enrolled', client: id, organisation, invite, status, looksLike } as const;
  if (predecessor === null) return [enrolled];
  return [enrolled, { type: 'key-rotated', client: predecessor, successor: id, invite }];
}
