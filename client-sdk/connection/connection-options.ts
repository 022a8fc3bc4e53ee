// Whom a connection speaks to and as whom, what it tells its owner, and how long it waits for what.

import type { SigningKey } from '../../shared/ed25519.ts';
import type { FederationId } from '../../shared/ids.ts';
import type { Clock } from '../../shared/ports.ts';
import { TRANSPORT_LIMITS } from '../../shared/protocol/events.ts';
import type { Joined } from '../../shared/protocol/messages.ts';
import type { Refusal, Refused, RefusedError } from '../../shared/protocol/refusals.ts';

export interface ConnectionOptions {
  readonly url: string;
  readonly federation: FederationId;
  readonly key: SigningKey;
  readonly name: string;
  readonly invite: string | null;
  /** Looks at the key of the coordinator's ledger before anything is signed: a refusal is final. */
  readonly meet: (ledgerKey: string) => Refused | undefined;
  /** After every join, the first and those after a lost connection. Whoever waits for the join goes on after it. */
  readonly onJoined: (joined: Joined) => Promise<void>;
  /** The coordinator will not have us: nothing is tried again. */
  readonly onRefused: (error: RefusedError) => void;
  /** After every join that failed: why it was refused for now; null where no answer came, or none that makes sense. */
  readonly onDelayed?: (refusal: Refusal | null) => void;
  readonly timing?: Partial<ConnectionTiming>;
  /** Default: the system's. */
  readonly clock?: Clock;
}

export interface ConnectionTiming {
  /** How long to wait for one answer. Default 20,000. */
  readonly answerTimeoutMs: number;
  /** Wait before asking again for the first time, doubled at each further time up to ten seconds. Default 200. */
  readonly retryDelayMs: number;
  /** Wait before connecting anew after a join that failed, or when the coordinator closed the socket. Default 1,000. */
  readonly reopenDelayMs: number;
  /** Wait before joining anew while an admin has yet to approve the client. Default 10,000. */
  readonly approvalDelayMs: number;
}

export const DEFAULT_TIMING: ConnectionTiming = {
  answerTimeoutMs: TRANSPORT_LIMITS.answerTimeoutMs,
  retryDelayMs: 200,
  reopenDelayMs: 1_000,
  approvalDelayMs: 10_000,
};
