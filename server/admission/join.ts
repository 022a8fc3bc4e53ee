// A key asks to take part: challenge and signature in, an enrolled client or a refusal out. A key that is not enrolled
// yet needs an invite; one that is comes back without.

import { clientIdOf, verifySignature } from '../../shared/ed25519.ts';
import { sha256 } from '../../shared/digest.ts';
import type { FederationId } from '../../shared/ids.ts';
import { parseInvite } from '../../shared/protocol/invite.ts';
import { joinTranscript } from '../../shared/protocol/join-transcript.ts';
import type { Join } from '../../shared/protocol/messages.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { EnrolledClient, EnrolmentStore } from './enrolment-store.ts';

export interface JoinRequest {
  readonly join: Join;
  /** What this socket was given to sign; undefined when it was given nothing or has used it. */
  readonly challenge: string | undefined;
  readonly protocolVersion: number;
  readonly now: Date;
}

export interface Admitted {
  readonly kind: 'admitted';
  readonly client: EnrolledClient;
}

export async function admitClient(
  { join, challenge, protocolVersion, now }: JoinRequest,
  federation: FederationId,
  enrolment: EnrolmentStore,
): Promise<Admitted | Refused> {
  if (join.federation !== federation) return refuse('wrong-federation', { found: join.federation });
  if (challenge === undefined)
    return refuse('replayed', { hint: 'say hello again: each challenge is good for one join' });
  const statement = joinTranscript({ ...join, challenge, protocolVersion });
  if (!(await verifySignature(join.publicKey, join.signature, statement))) return refuse('bad-signature');
  const id = await clientIdOf(join.publicKey);
  const known = await enrolment.client(id);
  if (known?.banned) return refuse('banned');
  if (known) return { kind: 'admitted', client: known };
  return enrolWithInvite({ id, join, now }, federation, enrolment);
}

async function enrolWithInvite(
  { id, join, now }: { id: EnrolledClient['id']; join: Join; now: Date },
  federation: FederationId,
  enrolment: EnrolmentStore,
): Promise<Admitted | Refused> {
  const invite = join.invite === null ? undefined : parseInvite(join.invite);
  if (!invite)
    return refuse('not-enrolled', { expected: 'an invite', found: join.invite === null ? 'none' : 'no invite' });
  if (invite.federation !== federation) return refuse('wrong-federation', { found: invite.federation });
  const secretDigest = await sha256(invite.secret);
  const issued = await enrolment.invite(secretDigest);
  if (!issued) return refuse('not-enrolled', { expected: 'an invite of this federation', found: 'an unknown one' });
  const { organisation } = issued;
  const { publicKey, name } = join;
  const client: EnrolledClient = { id, organisation, name, publicKey, enrolledAt: now, banned: false };
  const enrolled = await enrolment.enrol(client, secretDigest, { type: 'client-enrolled', client: id, organisation });
  if (enrolled) return { kind: 'admitted', client };
  return refuse('not-enrolled', {
    found: `an invite used up by ${issued.quota} clients`,
    hint: 'ask for a new invite',
  });
}
