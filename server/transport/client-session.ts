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
  Noted,
  ReceiptMessage,
  SendFrom,
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

export class ClientSession {
  readonly #doors: Doors;
  readonly #uploads: UploadBuffers;
  #greeting: { readonly challenge: string; readonly protocolVersion: number } | undefined;
  #client: EnrolledClient | undefined;
  #joining = false;
  /** Bearer token for model downloads while the socket lives. */
  readonly token = randomHex(TOKEN_BYTES);

  constructor(doors: Doors, uploads: UploadBuffers) {
    this.#doors = doors;
    this.#uploads = uploads;
  }

  get client(): EnrolledClient | undefined {
    return this.#client;
  }

  async hello({ federation, protocolVersions }: Hello): Promise<Welcome | Refused> {
    if (federation !== this.#doors.federation)
      return await this.turnAway(refuse('wrong-federation', { found: federation }));
    const common = PROTOCOL_VERSIONS.find((version) => protocolVersions.includes(version));
    if (common === undefined) return await this.turnAway(noCommonVersion(protocolVersions));
    this.#greeting = { challenge: randomHex(CHALLENGE_BYTES), protocolVersion: common };
    return { kind: 'welcome', ...this.#greeting };
  }

  async join(join: Join, now: Date): Promise<Joined | Refused> {
    const admitted = await this.#admit(join, now);
    if (admitted.kind === 'refused') return await this.turnAway(admitted);
    this.#client = admitted.client;
    const { chunkBytes, chunksInFlight } = TRANSPORT_LIMITS;
    const { federation } = this.#doors;
    const { offer, ...welcome } = await this.#doors.welcome(admitted.client);
    const offered = offer && { federation, ...offer };
    return { kind: 'joined', ...welcome, offer: offered, token: this.token, limits: { chunkBytes, chunksInFlight } };
  }

  /** One client a socket: a second key on it would stay "connected" when the socket has gone. */
  async #admit(join: Join, now: Date): Promise<Admitted | Refused> {
    if (this.#client || this.#joining) return refuse('replayed', { expected: 'one join a socket' });
    const { challenge, protocolVersion = 0 } = this.#greeting ?? {};
    this.#greeting = undefined;
    this.#joining = true;
    try {
      return await this.#doors.join({ join, challenge, protocolVersion, now });
    } finally {
      this.#joining = false;
    }
  }

  async begin(begin: UploadBegin): Promise<SendFrom | ReceiptMessage | Refused> {
    const outcome = await this.#doors.announce(begin, this.#client);
    if (outcome.kind === 'refused') return outcome;
    if (outcome.kind === 'staged') return receiptMessage(outcome.receipt);
    return { kind: 'send-from', offset: this.#uploads.open(outcome) };
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
