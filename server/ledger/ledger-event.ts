// What the ledger can say: one kind per decision. A row is the canonical JSON of an event with its sequence number,
// federation and time, written in the transaction of the transition that it records (ports below in each room).

import type { ClientId, Digest, FederationId, OrganisationId } from '../../shared/ids.ts';
import type { RefusalCode } from '../../shared/protocol/refusals.ts';
import type { UpdateFigures } from '../update/update-figures.ts';
import type { Verdict } from '../../shared/protocol/round-record.ts';

export type LedgerEvent =
  | { readonly type: 'federation-founded'; readonly configDigest: Digest; readonly model: Digest }
  | {
      readonly type: 'federation-amended';
      readonly configDigest: Digest;
    }
  | { readonly type: 'invite-issued'; readonly organisation: OrganisationId; readonly quota: number }
  | { readonly type: 'client-enrolled'; readonly client: ClientId; readonly organisation: OrganisationId }
  | {
      readonly type: 'round-offered';
      readonly round: number;
      readonly baseModel: Digest;
      readonly cohort: readonly ClientId[];
      readonly f: number;
    }
  | {
      readonly type: 'update-announced';
      readonly round: number;
      readonly client: ClientId;
      readonly update: Digest;
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
      readonly type: 'refused';
      readonly round: number | null;
      /** Null where nobody proved to be anybody. */
      readonly client: ClientId | null;
      readonly code: RefusalCode;
      readonly expected?: string | undefined;
      readonly found?: string | undefined;
    }
  | { readonly type: 'refusals-only-counted'; readonly round: number | null; readonly beyond: number }
  | { readonly type: 'declined'; readonly round: number; readonly client: ClientId; readonly code: RefusalCode }
  | ({ readonly type: 'verdict'; readonly round: number } & Verdict)
  | {
      readonly type: 'round-committed';
      readonly round: number;
      readonly baseModel: Digest;
      readonly model: Digest;
      readonly updates: readonly { readonly client: ClientId; readonly update: Digest }[];
    }
  | { readonly type: 'round-abandoned'; readonly round: number; readonly code: RefusalCode };

export interface LedgerEntry {
  readonly sequence: number;
  readonly federation: FederationId;
  readonly at: Date;
  readonly event: LedgerEvent;
}

/** Port. Sequence numbers count from 1 without a gap within a federation. */
export interface LedgerStore {
  /** Appends an event that belongs to no other transition. */
  append(event: LedgerEvent): Promise<void>;
  entries(): Promise<readonly LedgerEntry[]>;
}
