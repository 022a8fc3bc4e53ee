// May this socket send this update at all? Asked before a byte of the update is received.

import type { FederationId } from '../../shared/ids.ts';
import type { UploadBegin } from '../../shared/protocol/messages.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { OfferedRound } from '../../shared/protocol/round-record.ts';
import type { EnrolledClient } from './enrolment-store.ts';

export interface AdmittedUpload {
  readonly kind: 'admitted-upload';
  readonly client: EnrolledClient;
  readonly begin: UploadBegin;
  readonly round: OfferedRound;
}

export interface UploadRequest {
  readonly federation: FederationId;
  /** Undefined when the socket has not joined. */
  readonly client: EnrolledClient | undefined;
  readonly begin: UploadBegin;
  /** The round that takes updates now, if any. */
  readonly round: OfferedRound | undefined;
}

export function admitUpload({ federation, client, begin, round }: UploadRequest): AdmittedUpload | Refused {
  if (begin.federation !== federation) return refuse('wrong-federation', { found: begin.federation });
  if (!client) return refuse('not-enrolled', { hint: 'join the federation on this socket first' });
  // Its socket is being closed: this message was on its way before that.
  if (client.status !== 'active') return refuse(client.status === 'banned' ? 'banned' : 'revoked');
  if (round?.number !== begin.round) {
    const found = `round ${begin.round}`;
    return refuse('round-closed', { expected: round ? `round ${round.number}` : 'no round is open', found });
  }
  if (!round.cohort.includes(client.id)) return refuse('not-in-cohort', { found: `round ${round.number}` });
  return { kind: 'admitted-upload', client, begin, round };
}
