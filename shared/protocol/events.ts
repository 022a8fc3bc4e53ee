// Typed event maps of socket.io, one for each direction: they say what a sender may send. A receiver still reads each
// message through its schema (messages.ts), since types bind only those who were compiled with them.

import type {
  ChunkReceived,
  Decline,
  Finished,
  Hello,
  Join,
  Joined,
  LedgerProof,
  LedgerProofRequest,
  Noted,
  Offer,
  ReceiptMessage,
  RenewToken,
  RoundClosed,
  SendFrom,
  SpentRounds,
  TokenMessage,
  UploadBegin,
  UploadChunk,
  UploadEnd,
  VerdictMessage,
  Welcome,
  Withheld,
} from './messages.ts';
import type { Refused } from './refusals.ts';

type Answered<Request, Reply> = (message: Request, answer: (reply: Reply | Refused) => void) => void;

export interface ClientToCoordinator {
  hello: Answered<Hello, Welcome>;
  join: Answered<Join, Joined>;
  'upload-begin': Answered<UploadBegin, SendFrom | ReceiptMessage>;
  'upload-chunk': Answered<UploadChunk, ChunkReceived>;
  'upload-end': Answered<UploadEnd, ReceiptMessage>;
  'ledger-proof': Answered<LedgerProofRequest, LedgerProof>;
  'renew-token': Answered<RenewToken, TokenMessage>;
  'spent-rounds': Answered<SpentRounds, Noted>;
  decline: Answered<Decline, Noted>;
}

export interface CoordinatorToClient {
  'round-offered': (message: Offer) => void;
  /** No offer this time, and why. */
  'round-withheld': (message: Withheld) => void;
  verdict: (message: VerdictMessage) => void;
  'round-closed': (message: RoundClosed) => void;
  'federation-finished': (message: Finished) => void;
}

/** Socket limits, the same on both sides (design: one large message starves the heartbeat and is killed). */
export const TRANSPORT_LIMITS = {
  /** Bytes of one upload chunk. */
  chunkBytes: 128 * 1024,
  /** Chunks sent before the first of them is acknowledged. */
  chunksInFlight: 4,
  /** Largest socket message. */
  maxMessageBytes: 512 * 1024,
  /** A socket that has not finished its handshake by then is closed. */
  connectTimeoutMs: 5_000,
  /** How long either side waits for an answer. */
  answerTimeoutMs: 20_000,
} as const;
