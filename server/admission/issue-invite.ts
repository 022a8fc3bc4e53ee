// Invites come into being here: the secret goes to whoever asked, its digest to the store.

import { sha256 } from '../../shared/digest.ts';
import type { FederationId, OrganisationId } from '../../shared/ids.ts';
import { formatInvite, newInvite } from '../../shared/protocol/invite.ts';
import type { EnrolmentStore } from './enrolment-store.ts';

export interface InviteTerms {
  readonly organisation: OrganisationId;
  /** How many clients may enrol with it. */
  readonly quota: number;
}

/** The invite's text: shown once, kept nowhere. */
export async function issueInvite(
  { organisation, quota }: InviteTerms,
  federation: FederationId,
  enrolment: EnrolmentStore,
): Promise<string> {
  const invite = newInvite(federation);
  const secretDigest = await sha256(invite.secret);
  await enrolment.addInvite({ secretDigest, organisation, quota }, { type: 'invite-issued', organisation, quota });
  return formatInvite(invite);
}
