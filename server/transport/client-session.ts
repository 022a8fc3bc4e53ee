// One socket's way through the protocol: hello, join, then uploads. Each method takes a message that its schema has
// read and returns the answer. Nothing here outlives the socket except what the doors keep.

import { randomHex } from '../../shared/bytes.ts';
import { TRANSPORT_LIMITS } from '../../shared/protocol/events.ts';
import type {
  ChunkReceived,
  Decline,
  Hello,
  Join,
  Joined,
  LedgerProof,
  LedgerProofRequest,
  Noted,
  ReceiptMessage,
  RenewToken,
  SendFrom,
  SpentRounds,
  TokenMessage,
  UploadBegin,
  UploadChunk,
  UploadEnd,
  Welcome,
} from '../../shared/protocol/messages.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { PROTOCOL_VERSIONS } from '../../shared/protocol/version.ts';
import type { EnrolledClient } from '../admission/enrolment-store.ts';
import type { Admitted } from '../admission/join.ts';
import type { Receipt } from '../update/stages.ts';
import type { Doors } from './doors.ts';
import type { UploadBuffers } from './upload-buffers.ts';

const CHALLENGE_BYTES = 32;
const TOKEN_BYTES = 32;
/** A stolen token is of little use; a client that goes on asks for another. */
const TOKEN_LIFE_MS = 10 * 60_000;

export class ClientSession {
  readonly #doors: Doors;
  readonly #uploads: UploadBuffers;
  #greeting: { readonly challenge: string; readonly protocolVersion: number; readonly at: Date } | undefined;
  #client: EnrolledClient | undefined;
  #joining = false;
  /** Bearer token for model downloads, while the socket lives. */
  #token: { readonly text: string; readonly expiresAtMs: number } | undefined;

  constructor(doors: Doors, uploads: UploadBuffers) {
    this.#doors = doors;
    this.#uploads = uploads;
  }

  get client(): EnrolledClient | undefined {
    return this.#client;
  }

  /** Whether a bearer token is this session's and not too old. */
  holdsToken(text: string, now: Date): boolean {
    return this.#token?.text === text && now.getTime() < this.#token.expiresAtMs;
  }

  async hello({ federation, protocolVersions }: Hello, now: Date): Promise<Welcome | Refused> {
    if (federation !== this.#doors.federation)
      return await this.turnAway(refuse('wrong-federation', { found: federation }));
    const common = PROTOCOL_VERSIONS.find((version) => protocolVersions.includes(version));
    if (common === undefined) return await this.turnAway(noCommonVersion(protocolVersions));
    const greeting = { challenge: randomHex(CHALLENGE_BYTES), protocolVersion: common };
    this.#greeting = { ...greeting, at: now };
    return { kind: 'welcome', ...greeting, ledgerKey: this.#doors.ledgerKey };
  }

  async join(join: Join, now: Date): Promise<Joined | Refused> {
    const admitted = await this.#admit(join, now);
    if (admitted.kind === 'refused') return await this.turnAway(admitted);
    this.#client = admitted.client;
    const { chunkBytes, chunksInFlight } = TRANSPORT_LIMITS;
    const { federation } = this.#doors;
    const { offer, ...welcome } = await this.#doors.welcome(admitted.client);
    const offered = offer && { federation, ...offer };
    const { token, expiresInMs: tokenExpiresInMs } = this.#newToken(now);
    const limits = { chunkBytes, chunksInFlight };
    return { kind: 'joined', ...welcome, offer: offered, token, tokenExpiresInMs, limits };
  }

  /** One client a socket: a second key on it would stay "connected" when the socket has gone. */
  async #admit(join: Join, now: Date): Promise<Admitted | Refused> {
    if (this.#client || this.#joining) return refuse('replayed', { expected: 'one join a socket' });
    const { challenge, protocolVersion = 0, at: challengedAt = now } = this.#greeting ?? {};
    this.#greeting = undefined;
    this.#joining = true;
    try {
      return await this.#doors.join({ join, challenge, challengedAt, protocolVersion, now });
    } finally {
      this.#joining = false;
    }
  }

  async begin(begin: UploadBegin): Promise<SendFrom | ReceiptMessage | Refused> {
    const outcome = await this.#doors.announce(begin, this.#client);
    if (outcome.kind === 'refused') return outcome;
    if (outcome.kind === 'staged') return receiptMessage(outcome.receipt);
    const offset = this.#uploads.open(outcome);
    return typeof offset === 'number' ? { kind: 'send-from', offset } : offset;
  }

  async chunk(chunk: UploadChunk): Promise<ChunkReceived | Refused> {
    if (!this.#client) return await this.turnAway(refuse('not-enrolled'));
    const arrived = this.#uploads.append(this.#client.id, chunk);
    if (arrived.kind === 'refused') return await this.turnAway(arrived);
    return { kind: 'chunk-received', offset: arrived.offset };
  }

  async end({ round }: UploadEnd): Promise<ReceiptMessage | Refused> {
    if (!this.#client) return await this.turnAway(refuse('not-enrolled'));
    const received = this.#uploads.take(this.#client.id, round);
    if (received.kind === 'refused') return await this.turnAway(received);
    const outcome = await this.#doors.receive(received);
    return outcome.kind === 'refused' ? outcome : receiptMessage(outcome.receipt);
  }

  /** Records a refusal that no later stage has recorded, and hands it back as the answer. */
  async turnAway(refused: Refused): Promise<Refused> {
    await this.#doors.turnedAway(refused.refusal, this.#client?.id ?? null);
    return refused;
  }

  async proveHistory(request: LedgerProofRequest): Promise<LedgerProof | Refused> {
    if (!this.#client) return await this.turnAway(refuse('not-enrolled'));
    const proof = await this.#doors.proveHistory(request, this.#client.id);
    return proof.kind === 'refused' ? await this.turnAway(proof) : proof;
  }

  async renewToken({ federation }: RenewToken, now: Date): Promise<TokenMessage | Refused> {
    if (!this.#client) return await this.turnAway(refuse('not-enrolled'));
    if (federation !== this.#doors.federation)
      return await this.turnAway(refuse('wrong-federation', { found: federation }));
    return this.#newToken(now);
  }

  #newToken(now: Date): TokenMessage {
    const token = randomHex(TOKEN_BYTES);
    this.#token = { text: token, expiresAtMs: now.getTime() + TOKEN_LIFE_MS };
    return { kind: 'token', token, expiresInMs: TOKEN_LIFE_MS };
  }

  async stateSpent(spent: SpentRounds): Promise<Noted | Refused> {
    const { federation } = this.#doors;
    if (!this.#client) return await this.turnAway(refuse('not-enrolled'));
    if (spent.federation !== federation)
      return await this.turnAway(refuse('wrong-federation', { found: spent.federation }));
    return (await this.#doors.stateSpent(spent, this.#client)) ?? { kind: 'noted' };
  }

  async decline(decline: Decline): Promise<Noted | Refused> {
    return (await this.#doors.decline(decline, this.#client)) ?? { kind: 'noted' };
  }
}

function noCommonVersion(offered: readonly number[]): Refused {
  const [expected, found] = [PROTOCOL_VERSIONS, offered].map((versions) => `version ${versions.join(' or ')}`);
  return refuse('unsupported-protocol', {
    expected: expected ?? '',
    found: found ?? '',
    hint: 'update the client SDK',
  });
}

const receiptMessage = (receipt: Receipt): ReceiptMessage => ({
  kind: 'receipt',
  ...receipt,
  stagedAt: receipt.stagedAt.toISOString(),
});
