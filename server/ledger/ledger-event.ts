// What the ledger can say: one kind per decision. A row is the canonical JSON of an event with its sequence number,
// federation, time, the hash of the row before it and the size of the checkpoint signed with it, written in the
// transaction of the transition that it records. No names of people or clients: those can be erased elsewhere, the
// ledger cannot.

import type { ClientId, Digest, FederationId, OrganisationId } from '../../shared/ids.ts';
import type { Envelope } from '../../shared/protocol/envelope.ts';
import type { RefusalCode } from '../../shared/protocol/refusals.ts';
import type { UpdateFigures } from '../update/update-figures.ts';
import type { Verdict } from '../../shared/protocol/round-record.ts';

export type LedgerEvent =
  | {
      readonly type: 'federation-founded';
      readonly configDigest: Digest;
      readonly model: Digest;
      /** Raw Ed25519 key that signs the checkpoints of this ledger. */
      readonly ledgerKey: string;
    }
  | {
      readonly type: 'federation-amended';
      readonly configDigest: Digest;
    }
  | {
      readonly type: 'invite-issued';
      /** SHA-256 of its secret. */
      readonly invite: Digest;
      readonly organisation: OrganisationId;
      readonly quota: number;
      readonly expiresAt: string;
      /** The client whose key it is to replace, if any. */
      readonly replaces: ClientId | null;
    }
  | { readonly type: 'invite-revoked'; readonly invite: Digest }
  | {
      readonly type: 'client-enrolled';
      readonly client: ClientId;
      readonly organisation: OrganisationId;
      readonly invite: Digest;
      /** Pending: an admin has to approve it first. */
      readonly status: 'active' | 'pending';
      /** Another client whose name it could be taken for. */
      readonly looksLike: ClientId | null;
    }
  | { readonly type: 'client-approved'; readonly client: ClientId }
  | { readonly type: 'client-banned'; readonly client: ClientId; readonly by: 'admin' | 'history' }
  | { readonly type: 'client-unbanned'; readonly client: ClientId }
  | { readonly type: 'client-revoked'; readonly client: ClientId }
  | { readonly type: 'key-rotated'; readonly client: ClientId; readonly successor: ClientId; readonly invite: Digest }
  | { readonly type: 'round-seed-committed'; readonly round: number; readonly seedCommitment: Digest }
  | {
      readonly type: 'round-offered';
      readonly round: number;
      readonly baseModel: Digest;
      readonly cohort: readonly ClientId[];
      /** SHA-256 of the canonical JSON of everyone it was drawn from, by id: the round's record names them. */
      readonly eligibleDigest: Digest;
      readonly f: number;
    }
  | {
      readonly type: 'update-announced';
      readonly round: number;
      readonly client: ClientId;
      readonly envelope: Envelope;
      readonly signature: string;
    }
  | {
      /** A second statement, as validly signed as the first. */
      readonly type: 'equivocation';
      readonly round: number;
      readonly client: ClientId;
      readonly first: Digest;
      readonly envelope: Envelope;
      readonly signature: string;
    }
  | {
      readonly type: 'update-staged';
      readonly round: number;
      readonly client: ClientId;
      readonly update: Digest;
      readonly figures: UpdateFigures;
    }
  | {
      /** Under central privacy: noise was drawn for the sum of the round, and paid for before anything with it is published. */
      readonly type: 'round-charged';
      readonly round: number;
      readonly noiseMultiplier: number;
      /** Hash of the noise behind a salt that nobody keeps. */
      readonly noiseCommitment: Digest;
    }
  | {
      readonly type: 'refused';
      readonly round: number | null;
      readonly client: ClientId;
      readonly code: RefusalCode;
    }
  | {
      readonly type: 'refusals-counted';
      readonly round: number | null;
      /** Null where nobody proved to be anybody. */
      readonly client: ClientId | null;
      readonly counts: Readonly<Record<string, number>>;
    }
  | { readonly type: 'declined'; readonly round: number; readonly client: ClientId; readonly code: RefusalCode }
  | ({ readonly type: 'verdict'; readonly round: number } & Verdict)
  | {
      readonly type: 'round-committed';
      readonly round: number;
      readonly baseModel: Digest;
      readonly model: Digest;
      /** The blob of what the server optimiser remembers from here on; null where it remembers nothing. */
      readonly optimiserState: Digest | null;
      readonly seed: Digest;
      /** SHA-256 of the canonical JSON of the round's record. */
      readonly record: Digest;
    }
  | {
      readonly type: 'round-abandoned';
      readonly round: number;
      readonly code: RefusalCode;
      readonly seed: Digest;
      readonly record: Digest;
    }
  | {
      /** The client has spent rounds that a restored backup has forgotten: each is charged to it, at the cost that follows. */
      readonly type: 'spent-rounds-stated';
      readonly client: ClientId;
      /** As it signed them. */
      readonly rounds: readonly number[];
      readonly signature: string;
      readonly noiseMultiplier: number;
      readonly samplingRate: number;
      readonly steps: number;
    }
  /** A client holds a checkpoint of this ledger's own key that is not of this history. */
  | { readonly type: 'checkpoint-disputed'; readonly client: ClientId; readonly checkpoint: string }
  /** Restored from a backup: what followed the first `kept` entries, whose root is `root`, is lost. */
  | { readonly type: 'ledger-recovered'; readonly kept: number; readonly root: Digest };

export type EventOf<Type extends LedgerEvent['type']> = Extract<LedgerEvent, { type: Type }>;

export interface LedgerEntry {
  readonly sequence: number;
  readonly federation: FederationId;
  readonly at: Date;
  /** Hash of the entry before it, GENESIS for the first (shared/ledger/ledger-hash.ts). */
  readonly previous: Digest;
  /** Size of the checkpoint that was signed in its transaction, which is over it and all that was appended with it. */
  readonly head: number;
  readonly event: LedgerEvent;
}
