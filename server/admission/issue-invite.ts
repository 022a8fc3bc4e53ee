// Invites come into being here: the secret goes to whoever asked, its digest to the store.

import { sha256 } from '../../shared/digest.ts';
import type { ClientId, FederationId, OrganisationId } from '../../shared/ids.ts';
import type { Clock } from '../../shared/ports.ts';
import { formatInvite, newInvite } from '../../shared/protocol/invite.ts';
import type { EnrolmentStore, Invite } from './enrolment-store.ts';

export interface InviteTerms {
  readonly organisation: OrganisationId;
  /** How many clients may enrol with it; 1 unless given. */
  readonly quota?: number | undefined;
  /** DEFAULT_VALIDITY_MS unless given. */
  readonly validForMs?: number | undefined;
  /** The client whose key it is to replace; none unless given. */
  readonly replaces?: ClientId | null | undefined;
}

export interface IssuingPlace {
  readonly federation: FederationId;
  readonly enrolment: EnrolmentStore;
  /** Raw Ed25519 key that signs the ledger's checkpoints, hex. */
  readonly ledgerKey: string;
  readonly clock: Clock;
}

export interface IssuedInvite {
  /** Shown once, kept nowhere. */
  readonly text: string;
  readonly invite: Invite;
}

const DAY_MS = 24 * 3600 * 1000;
export const DEFAULT_VALIDITY_MS = 7 * DAY_MS;
export const MOST_CLIENTS_AN_INVITE = 1_000_000;
export const LONGEST_VALIDITY_MS = 3650 * DAY_MS;

/** The invite's text. */
export async function issueInvite(terms: InviteTerms, place: IssuingPlace): Promise<string> {
  return (await makeInvite(terms, place)).text;
}

/** The invite's text with what is kept of it. */
export async function makeInvite(
  { organisation, quota = 1, validForMs = DEFAULT_VALIDITY_MS, replaces = null }: InviteTerms,
  { federation, enrolment, ledgerKey, clock }: IssuingPlace,
): Promise<IssuedInvite> {
  const text = newInvite(federation, ledgerKey);
  const secretDigest = await sha256(text.secret);
  const expiresAt = new Date(clock.now().getTime() + validForMs);
  const invite = { secretDigest, organisation, quota, expiresAt, replaces };
  await enrolment.addInvite(invite, {
    type: 'invite-issued',
    invite: secretDigest,
    organisation,
    quota,
    expiresAt: expiresAt.toISOString(),
    replaces,
  });
  return { text: formatInvite(text), invite: { ...invite, used: 0, revoked: false } };
}
