// Port: who belongs to the federation. A client is a key that an organisation answers for.

import type { ClientId, Digest, OrganisationId } from '../../shared/ids.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';

export interface EnrolledClient {
  readonly id: ClientId;
  readonly organisation: OrganisationId;
  /** Chosen by the client, for people to read; decides nothing. */
  readonly name: string;
  /** Raw 32-byte Ed25519 key, hex. */
  readonly publicKey: string;
  readonly enrolledAt: Date;
  readonly banned: boolean;
}

export interface Invite {
  /** SHA-256 of the secret: the secret itself is not kept. */
  readonly secretDigest: Digest;
  readonly organisation: OrganisationId;
  /** How many clients may enrol with it. */
  readonly quota: number;
  readonly used: number;
}

export interface EnrolmentStore {
  /** In the order of ids. */
  clients(): Promise<readonly EnrolledClient[]>;
  client(id: ClientId): Promise<EnrolledClient | undefined>;
  invite(secretDigest: Digest): Promise<Invite | undefined>;
  addInvite(invite: Omit<Invite, 'used'>, event: LedgerEvent): Promise<void>;
  /** Uses the invite once and writes the client, both or neither; false when the invite is unknown or used up. */
  enrol(client: EnrolledClient, secretDigest: Digest, event: LedgerEvent): Promise<boolean>;
}
