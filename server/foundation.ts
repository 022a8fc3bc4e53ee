// What all parts of one running coordinator share: its federation's terms and rule, its stores, the world around it.

import type { Digest, FederationId } from '../shared/ids.ts';
import type { BlobStore, Clock } from '../shared/ports.ts';
import type { FederationTerms } from '../shared/protocol/terms.ts';
import type { RandomSource } from '../shared/random-source.ts';
import type { SerialQueue } from '../shared/serial-queue.ts';
import type { AggregationRule } from './aggregation/rule.ts';
import type { FederationConfig } from './config.ts';
import type { RefusalLog } from './ledger/refusal-log.ts';
import type { FederationStores } from './storage/federation-stores.ts';
import type { AnomalyBounds } from './update/anomaly/anomaly-bounds.ts';

export interface CoordinatorOptions {
  readonly config: FederationConfig;
  readonly stores: FederationStores;
  readonly blobs: BlobStore;
  /** Where the file of a blob lies, for downloads. */
  readonly blobFile: (digest: Digest) => string;
  readonly clock: Clock;
  /** Draws cohorts. */
  readonly random: RandomSource;
  /** One line for each transition. */
  readonly log: (line: string) => void;
}

export interface Foundation extends CoordinatorOptions {
  readonly federation: FederationId;
  readonly terms: FederationTerms;
  readonly schemaDigest: Digest;
  readonly rule: AggregationRule;
  readonly bounds: AnomalyBounds;
  readonly initialModel: Digest;
  readonly refusals: RefusalLog;
  /** Whatever reads the record of a round and then writes it takes its turn here. */
  readonly turns: SerialQueue;
}

/** Digest of the newest committed model. */
export async function newestModel({ stores, initialModel }: Foundation): Promise<Digest> {
  return (await stores.models.latest())?.digest ?? initialModel;
}
