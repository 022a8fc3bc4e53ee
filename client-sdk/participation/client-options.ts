// All that makes one client: whom it speaks to and as whom, what its owner allows, what it remembers.

import type { SigningKey } from '../../shared/ed25519.ts';
import type { FederationId } from '../../shared/ids.ts';
import type { Clock } from '../../shared/ports.ts';
import type { Refusal } from '../../shared/protocol/refusals.ts';
import type { RandomSource } from '../../shared/random-source.ts';
import type { ConnectionTiming } from '../connection/connection-options.ts';
import type { LedgerWitness } from '../ledger/ledger-witness.ts';
import type { Trainer } from '../training/trainer.ts';
import type { ClientStore } from './client-store.ts';
import type { OwnerLimits } from './round-work.ts';

export interface ClientOptions extends OwnerLimits {
  readonly url: string;
  readonly federation: FederationId;
  readonly invite: string | null;
  readonly name: string;
  readonly trainer: Trainer;
  readonly key: SigningKey;
  readonly store: ClientStore;
  readonly witness: LedgerWitness;
  /** Whether to keep the connection open while nothing is asked of this client. */
  readonly betweenRounds: 'stay' | 'come-back';
  /** Called after every join that the coordinator has put off, with its reason; with null where it did not answer. */
  readonly onDelayed?: (refusal: Refusal | null) => void;
  readonly timing?: Partial<ConnectionTiming>;
  readonly clock?: Clock;
  /** Spreads the clients that come back at one time. Default: the system's secure generator. */
  readonly random?: RandomSource;
  /** Called once, when the client has ended and writes nothing more. */
  readonly release: () => Promise<void>;
}
