// Port: what each client has spent, as the coordinator counts it (planned steps, never fewer). Charges are written with
// the update that caused them (update/staging/update-store.ts) and never taken back.

import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import type { ClientId } from '../../shared/ids.ts';

export interface PrivacyCharge {
  readonly client: ClientId;
  readonly round: number;
  readonly event: SampledGaussianEvent;
}

export interface ChargeStore {
  /** Of one client, or of all: by round, then client id. */
  charges(client?: ClientId): Promise<readonly PrivacyCharge[]>;
}
