// Port: the ledger. Sequence numbers count from 1 without a gap within a federation; entry n is leaf n - 1 of the Merkle
// tree. Every transaction that appends signs one checkpoint over what is there afterwards.

import type { ClientId, Digest } from '../../shared/ids.ts';
import type { LedgerEntry, LedgerEvent } from './ledger-event.ts';

/** A signed tree head, with the note as clients get it. */
export interface SignedHead {
  readonly size: number;
  readonly root: Digest;
  readonly note: string;
}

/** As it is stored: the text is the entry, the other columns only find it. */
export interface LedgerRow {
  readonly sequence: number;
  readonly text: string;
  readonly hash: Digest;
  readonly at: Date;
  readonly type: string;
  readonly round: number | null;
  readonly client: string | null;
}

export interface LedgerStore {
  /** Raw Ed25519 key under which checkpoints are signed, hex. */
  readonly publicKey: string;
  /** Appends events that belong to no other transition. */
  append(...events: readonly LedgerEvent[]): Promise<void>;
  entries(): Promise<readonly LedgerEntry[]>;
  entriesOfRound(round: number): Promise<readonly LedgerEntry[]>;
  rows(): Promise<readonly LedgerRow[]>;
  /** Undefined before the federation is founded. */
  newest(): Promise<SignedHead | undefined>;
  headAt(size: number): Promise<SignedHead | undefined>;
  /** All of them, by size. */
  heads(): Promise<readonly SignedHead[]>;
  /** The last entry of one kind, of one round where that is given. */
  lastOf(type: LedgerEvent['type'], round?: number): Promise<LedgerRow | undefined>;
  /** Of the tree over the hashes of the first `size` entries. */
  root(size: number): Promise<Digest>;
  /** That entry `sequence` is among the first `size`. */
  inclusionProof(sequence: number, size: number): Promise<readonly Digest[]>;
  consistencyProof(from: number, to: number): Promise<readonly Digest[]>;
  /** Puts a checkpoint that is not of this history on record, once for each client however often it comes. */
  dispute(client: ClientId, checkpoint: string): Promise<void>;
}
