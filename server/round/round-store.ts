// Port: the rounds. One is under way at most; those that have ended are kept for good.

import type { Digest } from '../../shared/ids.ts';
import type { OfferedRound, RoundRecord } from '../../shared/protocol/round-record.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import type { ModelVersion } from '../model/model-store.ts';

export interface RoundSeed {
  readonly seed: Digest;
  readonly commitment: Digest;
}

/** Each method that changes something writes its ledger events in the same transaction. */
export interface RoundStore {
  /** The seed committed to for a round, if any. Secret until the round has ended. */
  seedOf(round: number): Promise<RoundSeed | undefined>;
  /** @throws InvariantError when the round has a seed. */
  commitSeed(round: number, seed: RoundSeed, event: LedgerEvent): Promise<void>;
  /** @throws InvariantError when a round is under way or the number is not the next one. */
  offer(round: OfferedRound, event: LedgerEvent): Promise<void>;
  /** The round under way, if any: found again after a crash. */
  underWay(): Promise<OfferedRound | undefined>;
  /** Ends the round with its record and the model version it made. */
  commit(record: RoundRecord, version: ModelVersion, events: readonly LedgerEvent[]): Promise<void>;
  /** Ends the round without a new version. */
  abandon(record: RoundRecord, events: readonly LedgerEvent[]): Promise<void>;
  record(number: number): Promise<RoundRecord | undefined>;
  /** In the order of numbers. */
  records(): Promise<readonly RoundRecord[]>;
}
