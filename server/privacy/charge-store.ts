// Ports: what has been spent, as the coordinator counts it (planned steps, never fewer) and never takes it back. Under
// local privacy each client's charge is written with the update that caused it (update/staging/update-store.ts), or where
// the client itself had to say so (charge-stated.ts); under central privacy the federation has one account, whose charges
// are entries of the ledger, and clients what they have stated besides.

import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import type { ClientId, Digest } from '../../shared/ids.ts';
import type { EventOf } from '../ledger/ledger-event.ts';

export interface PrivacyCharge {
  readonly client: ClientId;
  readonly round: number;
  readonly event: SampledGaussianEvent;
}

export interface ChargeStore {
  /** Of one client, or of all: by round, then client id; a round of a client once, however it came to be charged. */
  charges(client?: ClientId): Promise<readonly PrivacyCharge[]>;
  /** Each of its rounds, with the entry of the ledger. Durable when it resolves; rejects where one is charged already. */
  chargeStated(stated: EventOf<'spent-rounds-stated'>): Promise<void>;
}

/** One draw of noise for the sum of a round. */
export interface ReleaseCharge {
  readonly round: number;
  /** Of the round as a whole. */
  readonly noiseMultiplier: number;
  /** Of the noise drawn. */
  readonly noiseCommitment: Digest;
}

export interface ReleaseLog {
  /** In the order in which they were charged; more than one of a round that a crash interrupted. */
  releases(): Promise<readonly ReleaseCharge[]>;
  /** Durable when it resolves. */
  charge(release: ReleaseCharge): Promise<void>;
}
