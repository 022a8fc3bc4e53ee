// Port: versions of the global model. Their bytes are blobs; a version is a row that names one.

import type { Digest } from '../../shared/ids.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';

export interface ModelVersion {
  /** SHA-256 of the safetensors file. */
  readonly digest: Digest;
  /** Null for the initial model. */
  readonly parent: Digest | null;
  /** The round that made it; 0 for the initial model. */
  readonly round: number;
  readonly byteLength: number;
  /** What the server optimiser remembers after this version; null for the initial model, and where it remembers nothing. */
  readonly optimiserState: Digest | null;
}

export interface ModelStore {
  /** In the order of rounds. */
  versions(): Promise<readonly ModelVersion[]>;
  latest(): Promise<ModelVersion | undefined>;
  /** The last version with these bytes, of those from before a round where that is given: rounds may make the same. */
  byDigest(digest: Digest, beforeRound?: number): Promise<ModelVersion | undefined>;
}

/** The federation itself. */
export interface Founding {
  /** Canonical JSON of the whole configuration: a folder opened with another one is refused, save for amendments. */
  readonly config: string;
  readonly initialModel: ModelVersion;
  readonly foundedAt: Date;
}

export interface FederationStore {
  founding(): Promise<Founding | undefined>;
  found(founding: Founding, event: LedgerEvent): Promise<void>;
  /** Puts a new configuration in the place of the one founded with. */
  amend(config: string, event: LedgerEvent): Promise<void>;
}
