// What all parts of one running coordinator share: its federation's terms and rule, its stores, the world around it.

import type { Digest, FederationId } from '../shared/ids.ts';
import { InvariantError } from '../shared/invariant-error.ts';
import type { BlobStore, Clock } from '../shared/ports.ts';
import type { FederationTerms } from '../shared/protocol/terms.ts';
import type { Kernel } from './aggregation/kernels/kernel.ts';
import type { AggregationRule } from './aggregation/rule.ts';
import type { FederationConfig } from './config.ts';
import type { RefusalLog } from './ledger/refusal-log.ts';
import type { ServerOptimiser } from './optimiser/optimiser.ts';
import type { FederationStores } from './storage/federation-stores.ts';
import type { Turns } from './turns.ts';
import type { AdminRules } from './update/anomaly/admin-rules.ts';
import type { AnomalyBounds } from './update/anomaly/anomaly-bounds.ts';
import type { ArrivedUpdates } from './update/staging/arrived-updates.ts';

export interface CoordinatorOptions {
  readonly config: FederationConfig;
  readonly stores: FederationStores;
  readonly blobs: BlobStore;
  /** Where the file of a blob lies, for downloads. */
  readonly blobFile: (digest: Digest) => string;
  readonly clock: Clock;
  /** Not closed here: whoever opened it closes it when the coordinator has stopped. */
  readonly kernel: Kernel;
  /** For the values of one round's updates; beyond it they are read from their files at the close. */
  readonly memoryBudgetBytes: number;
  /** Origin of the address that clients use; null where all of them are on this machine. */
  readonly publicUrl: string | null;
  /** 64 lower-case hexadecimal characters; null: nobody can do an admin's acts on the running coordinator. */
  readonly adminToken: string | null;
  /** One line for each transition. */
  readonly log: (line: string) => void;
}

export interface Foundation extends CoordinatorOptions {
  readonly federation: FederationId;
  readonly terms: FederationTerms;
  readonly schemaDigest: Digest;
  readonly rule: AggregationRule;
  readonly optimiser: ServerOptimiser;
  /** Of the updates of a round; null under central privacy: no update is measured. */
  readonly boundsOf: (round: number) => AnomalyBounds | null;
  readonly adminRules: AdminRules;
  readonly initialModel: Digest;
  readonly arrived: ArrivedUpdates;
  readonly refusals: RefusalLog;
  /**
   * Whatever reads the record of a round and then writes it takes its turn here: a client's own row in turns shared
   * under its id, the round as a whole alone.
   */
  readonly turns: Turns;
}

/** Digest of the newest committed model. */
export async function newestModel({ stores, initialModel }: Foundation): Promise<Digest> {
  return (await stores.models.latest())?.digest ?? initialModel;
}

/** The newest signed head of the ledger, as clients get it. @throws InvariantError before the federation is founded. */
export async function newestCheckpoint({ stores }: Foundation): Promise<string> {
  const head = await stores.ledger.newest();
  if (!head) throw new InvariantError('a federation without a checkpoint');
  return head.note;
}
