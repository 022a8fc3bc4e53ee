// Port: who belongs to the federation. A client is a key that an organisation answers for.

import type { ClientId, Digest, OrganisationId } from '../../shared/ids.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';

/**
 * pending: waits for an admin; active: takes part; banned: turned away until the ban is lifted; revoked: the key counts
 * no more, for good; rotated: another key has taken its place.
 */
export const clientStatuses = ['pending', 'active', 'banned', 'revoked', 'rotated'] as const;
export type ClientStatus = (typeof clientStatuses)[number];

export interface EnrolledClient {
  readonly id: ClientId;
  readonly organisation: OrganisationId;
  /** Chosen by the client, for people to read; decides nothing. */
  readonly name: string;
  /** Raw 32-byte Ed25519 key, hex. */
  readonly publicKey: string;
  readonly enrolledAt: Date;
  readonly status: ClientStatus;
  /** Why an admin changed the status, in the admin's words; kept here and not on the ledger. */
  readonly reason: string | null;
  /** The client whose place it took: what that one spent counts for this one. */
  readonly predecessor: ClientId | null;
  /** Another client whose name it could be taken for, found at enrolment. */
  readonly looksLike: ClientId | null;
  /** Against its own history (update/anomaly/client-history.ts). */
  readonly suspicion: number;
  /** Rounds in which an update of its own was judged. */
  readonly judged: number;
}

export interface Invite {
  /** SHA-256 of the secret: the secret itself is not kept. */
  readonly secretDigest: Digest;
  readonly organisation: OrganisationId;
  /** How many clients may enrol with it. */
  readonly quota: number;
  readonly used: number;
  readonly expiresAt: Date;
  readonly revoked: boolean;
  /** The client whose key it is to replace, if any. */
  readonly replaces: ClientId | null;
}

export interface StatusChange {
  readonly client: ClientId;
  /** The change is made only from one of these. */
  readonly from: readonly ClientStatus[];
  readonly to: ClientStatus;
  readonly reason: string | null;
}

/** Each method that changes something writes its ledger events in the same transaction. */
export interface EnrolmentStore {
  /** In the order of ids. */
  clients(): Promise<readonly EnrolledClient[]>;
  client(id: ClientId): Promise<EnrolledClient | undefined>;
  invite(secretDigest: Digest): Promise<Invite | undefined>;
  /** In the order of digests. */
  invites(): Promise<readonly Invite[]>;
  addInvite(invite: Omit<Invite, 'used' | 'revoked'>, event: LedgerEvent): Promise<void>;
  /** False when there is no such invite or it was revoked before. */
  revokeInvite(secretDigest: Digest, event: LedgerEvent): Promise<boolean>;
  /**
   * Uses the invite once and writes the client, both or neither; the client that the invite replaces becomes `rotated`.
   * False when the invite is unknown, used up or revoked, or that client is neither active nor revoked any more.
   */
  enrol(client: EnrolledClient, secretDigest: Digest, events: readonly LedgerEvent[]): Promise<boolean>;
  /** False when the client is in none of the states named. Unbanned, its history speaks against it no more. */
  changeStatus(change: StatusChange, event: LedgerEvent): Promise<boolean>;
}
