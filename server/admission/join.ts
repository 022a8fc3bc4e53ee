// A key asks to take part: challenge and signature in, an admitted client or a refusal out. One that is enrolled comes
// back as far as its status allows, one that is not needs an invite (enrol-with-invite.ts). Nothing is looked up for
// whoever has not proved to hold its key.

import { clientIdOf, verifySignature } from '../../shared/ed25519.ts';
import { joinTranscript } from '../../shared/protocol/join-transcript.ts';
import type { Join } from '../../shared/protocol/messages.ts';
import { type Refused, isRefused, refuse } from '../../shared/protocol/refusals.ts';
import { type EnrolmentPlace, enrolWithInvite } from './enrol-with-invite.ts';
import type { EnrolledClient } from './enrolment-store.ts';

export interface JoinRequest {
  readonly join: Join;
  /** What this socket was given to sign; undefined when it was given nothing or has used it. */
  readonly challenge: string | undefined;
  /** When it was given; says nothing where there is none. */
  readonly challengedAt: Date;
  readonly protocolVersion: number;
  readonly now: Date;
}

export interface JoinPlace extends EnrolmentPlace {
  /** Whether clients may mean this coordinator by an origin (audience.ts). */
  isAudience(origin: string): boolean;
}

export interface Admitted {
  readonly kind: 'admitted';
  readonly client: EnrolledClient;
}

const CHALLENGE_LIFE_MS = 30_000;

/**
 * A client that has to wait for an admin is enrolled and refused as awaiting-approval: once it is approved, its next
 * join is admitted.
 */
export async function admitClient(request: JoinRequest, place: JoinPlace): Promise<Admitted | Refused> {
  const { join, now } = request;
  const complaint = await statementComplaint(request, place);
  if (complaint) return complaint;
  const id = await clientIdOf(join.publicKey);
  const client = (await place.enrolment.client(id)) ?? (await enrolWithInvite({ id, join, now }, place));
  if (isRefused(client)) return client;
  return statusComplaint(client) ?? { kind: 'admitted', client };
}

/** Is it meant for this federation, this moment and this coordinator, and signed by the key that it names? */
async function statementComplaint(request: JoinRequest, place: JoinPlace): Promise<Refused | undefined> {
  const { join, challenge, challengedAt, protocolVersion, now } = request;
  if (join.federation !== place.federation) return refuse('wrong-federation', { found: join.federation });
  if (challenge === undefined)
    return refuse('replayed', { hint: 'say hello again: each challenge is good for one join' });
  const ageMs = now.getTime() - challengedAt.getTime();
  if (ageMs > CHALLENGE_LIFE_MS) {
    const expected = `a join within ${CHALLENGE_LIFE_MS / 1000} s of its challenge`;
    return refuse('challenge-expired', { expected, found: `${ageMs / 1000} s`, hint: 'say hello again' });
  }
  if (!place.isAudience(join.audience)) return wrongAudience(join.audience);
  const statement = joinTranscript({ ...join, challenge, protocolVersion });
  return (await verifySignature(join.publicKey, join.signature, statement)) ? undefined : refuse('bad-signature');
}

function wrongAudience(found: string): Refused {
  const hint = 'connect to the address that the admin gave; the coordinator is told it with --public-url';
  return refuse('wrong-audience', { expected: 'the public address of this coordinator', found, hint });
}

/** The admin's reason stays with the admin. */
function statusComplaint({ id, status }: EnrolledClient): Refused | undefined {
  switch (status) {
    case 'active':
      return undefined;
    case 'pending':
      return refuse('awaiting-approval', {
        found: `client ${id}`,
        hint: 'the federation’s admin can approve this id; then join again, the invite is not needed any more',
      });
    case 'banned':
      return refuse('banned');
    case 'revoked':
      return refuse('revoked', {
        hint: 'ask the federation’s admin for an invite that lets another key take its place',
      });
    case 'rotated':
      return refuse('revoked', {
        found: 'a key that another has replaced',
        hint: 'join with the key that replaced it',
      });
  }
}
