// Ports: what has been spent, as the coordinator counts it (planned steps, never fewer) and never takes it back. Under
// local privacy each client's charge is written with the update that caused it (update/staging/update-store.ts); under
// central privacy the federation has one account, and the ledger's own entries are its charges.

import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import type { ClientId, Digest } from '../../shared/ids.ts';

export interface PrivacyCharge {
  readonly client: ClientId;
  readonly round: number;
  readonly event: SampledGaussianEvent;
}

export interface ChargeStore {
  /** Of one client, or of all: by round, then client id. */
  charges(client?: ClientId): Promise<readonly PrivacyCharge[]>;
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
