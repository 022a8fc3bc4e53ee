// What the socket gateway may ask of the rest of the coordinator; coordinator.ts fills it in. The gateway knows
// messages and sockets, nothing of what they mean.

import type { ClientId, FederationId } from '../../shared/ids.ts';
import type {
  Decline,
  Joined,
  LedgerProof,
  LedgerProofRequest,
  Offer,
  SpentRounds,
  UploadBegin,
} from '../../shared/protocol/messages.ts';
import type { Refusal, Refused } from '../../shared/protocol/refusals.ts';
import type { EnrolledClient } from '../admission/enrolment-store.ts';
import type { Admitted, JoinRequest } from '../admission/join.ts';
import type { AnnouncedUpdate, ReceivedUpdate, StagedUpdate } from '../update/stages.ts';

/** What a client that has joined is told, apart from what its socket knows itself. */
export interface WelcomeFacts extends Omit<Joined, 'kind' | 'token' | 'tokenExpiresInMs' | 'limits' | 'offer'> {
  readonly offer: Omit<Offer, 'federation'> | null;
}

export interface Doors {
  readonly federation: FederationId;
  /** Under which the ledger's checkpoints are signed. */
  readonly ledgerKey: string;
  join(request: JoinRequest): Promise<Admitted | Refused>;
  welcome(client: EnrolledClient): Promise<WelcomeFacts>;
  announce(begin: UploadBegin, client: EnrolledClient | undefined): Promise<AnnouncedUpdate | StagedUpdate | Refused>;
  receive(update: ReceivedUpdate): Promise<StagedUpdate | Refused>;
  /** Undefined where it is noted. */
  stateSpent(spent: SpentRounds, client: EnrolledClient): Promise<Refused | undefined>;
  decline(decline: Decline, client: EnrolledClient | undefined): Promise<Refused | undefined>;
  proveHistory(request: LedgerProofRequest, client: ClientId): Promise<LedgerProof | Refused>;
  /** Somebody was turned away at the transport or at admission; null where nobody proved to be anybody. */
  turnedAway(refusal: Refusal, client: ClientId | null): Promise<void>;
  /** Whether the client may take part, as the store has it at this moment. */
  isActive(client: ClientId): Promise<boolean>;
  populationChanged(): void;
}
