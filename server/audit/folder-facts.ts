// What a data folder holds besides its ledger and decides something, as it is read from the stores in one moment.

import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import type { EnrolledClient, Invite } from '../admission/enrolment-store.ts';
import type { ModelVersion } from '../model/model-store.ts';
import type { PrivacyCharge } from '../privacy/charge-store.ts';
import type { RoundSeed } from '../round/round-store.ts';
import type { UpdateRow } from '../update/staging/update-store.ts';

export interface FolderFacts {
  /** Canonical JSON. */
  readonly config: string;
  readonly records: readonly RoundRecord[];
  readonly versions: readonly ModelVersion[];
  readonly clients: readonly EnrolledClient[];
  readonly invites: readonly Invite[];
  /** Of all rounds. */
  readonly updates: readonly UpdateRow[];
  readonly charges: readonly PrivacyCharge[];
  readonly seeds: readonly (RoundSeed & { readonly round: number })[];
}
