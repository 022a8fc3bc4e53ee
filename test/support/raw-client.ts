// A client that says whatever a test wants said: one socket, a key, and no rule kept. What it sends goes through no
// schema; what it hears is kept in order, so that nothing is missed between two questions.

import { io, type Socket } from 'socket.io-client';
import { z } from 'zod';
import type { Submission } from '../../client-sdk/participation/client-store.ts';
import { makeSubmission } from '../../client-sdk/submission/make-submission.ts';
import { type SigningKey, signingKeyFromSeed } from '../../shared/ed25519.ts';
import type { FederationId } from '../../shared/ids.ts';
import { openCheckpoint, originOf } from '../../shared/ledger/checkpoint.ts';
import { type Envelope, envelopeBytes } from '../../shared/protocol/envelope.ts';
import { joinTranscript } from '../../shared/protocol/join-transcript.ts';
import { type Joined, joinedSchema, type Offer, offerSchema } from '../../shared/protocol/messages.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { settlement } from '../../shared/settlement.ts';

const replySchema = z.looseObject({
  kind: z.string(),
  refusal: z.object({ code: z.string(), expected: z.string().optional(), found: z.string().optional() }).optional(),
  offset: z.number().optional(),
  challenge: z.string().optional(),
  ledgerKey: z.string().optional(),
});
export type Reply = z.infer<typeof replySchema>;

export interface RawClientOptions {
  readonly url: string;
  readonly federation: FederationId;
  readonly invite: string | null;
  /** Private key, 64 hex characters. */
  readonly seed: string;
  /** `raw` and the number of its seed unless given: names of a series are not taken for one another. */
  readonly name?: string;
}

const ANSWER_TIMEOUT_MS = 10_000;
const CHUNK_BYTES = 1_000;

export class RawClient implements Disposable {
  readonly key: SigningKey;
  readonly #options: RawClientOptions;
  readonly #socket: Socket;
  readonly #heard: { readonly event: string; readonly message: unknown }[] = [];
  readonly #listeners = new Set<() => void>();
  #joined: Joined | undefined;
  #ledgerKey = '';

  private constructor(options: RawClientOptions, key: SigningKey, socket: Socket) {
    this.#options = options;
    this.key = key;
    this.#socket = socket;
    socket.onAny((event: string, message: unknown) => {
      this.#heard.push({ event, message });
      for (const listener of this.#listeners) listener();
    });
  }

  static async connect(options: RawClientOptions): Promise<RawClient> {
    const socket = io(options.url, { transports: ['websocket'], forceNew: true, reconnection: false });
    const client = new RawClient(options, await signingKeyFromSeed(options.seed), socket);
    const { promise, resolve, reject } = settlement<void>();
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
    if (socket.connected) resolve();
    await promise;
    return client;
  }

  /** Connected and joined. */
  static async join(options: RawClientOptions): Promise<RawClient> {
    const client = await RawClient.connect(options);
    const reply = await client.ask('join', await client.joinMessage(await client.challenge()));
    client.#joined = joinedSchema.parse(reply);
    return client;
  }

  get joined(): Joined {
    if (!this.#joined) throw new Error('expected a client that has joined');
    return this.#joined;
  }

  async ask(event: string, message: unknown): Promise<Reply> {
    const reply: unknown = await this.#socket.timeout(ANSWER_TIMEOUT_MS).emitWithAck(event, message);
    return replySchema.parse(reply);
  }

  async challenge(): Promise<string> {
    const welcome = await this.ask('hello', { federation: this.#options.federation, protocolVersions: [1] });
    this.#ledgerKey = welcome.ledgerKey ?? '';
    return welcome.challenge ?? '';
  }

  async joinMessage(challenge: string): Promise<object> {
    const { federation, invite, url, seed, name = `raw ${BigInt(`0x${seed}`)}` } = this.#options;
    const stated = { federation, publicKey: this.key.publicKey, name, audience: new URL(url).origin };
    const statement = joinTranscript({ ...stated, protocolVersion: 1, challenge });
    return { ...stated, invite, signature: await this.key.sign(statement) };
  }

  /** The first message of that event, waited for if need be; each is given once. */
  async next(event: string): Promise<unknown> {
    for (;;) {
      const at = this.#heard.findIndex((each) => each.event === event);
      if (at >= 0) return this.#heard.splice(at, 1)[0]?.message;
      const { promise, resolve } = settlement<void>();
      this.#listeners.add(resolve);
      await promise;
      this.#listeners.delete(resolve);
    }
  }

  async nextOffer(): Promise<Offer> {
    return this.#joined?.offer ?? offerSchema.parse(await this.next('round-offered'));
  }

  /** An update as an honest client makes it. */
  async submission(values: Float32Array, offer: Offer): Promise<Submission> {
    const ledger = { origin: originOf(offer.federation), publicKey: this.#ledgerKey };
    const checkpoint = accepted(await openCheckpoint(offer.checkpoint, ledger));
    return await makeSubmission(values, { offer, terms: this.joined.terms, key: this.key, checkpoint });
  }

  /** The same bytes under a changed statement, validly signed. */
  async restated({ envelope, bytes }: Submission, changes: Partial<Envelope>): Promise<Submission> {
    const restated = { ...envelope, ...changes };
    return { envelope: restated, signature: await this.key.sign(envelopeBytes(restated)), bytes };
  }

  async begin({ envelope, signature }: Submission): Promise<Reply> {
    const { federation, round } = envelope;
    return await this.ask('upload-begin', { federation, round, envelope, signature });
  }

  /** Begin, chunks, end: the first answer that is not the expected one, or the receipt. */
  async upload(submission: Submission): Promise<Reply> {
    const begun = await this.begin(submission);
    if (begun.kind !== 'send-from') return begun;
    return await this.sendBytes(submission, submission.bytes);
  }

  async sendBytes({ envelope: { federation, round } }: Submission, bytes: Uint8Array): Promise<Reply> {
    for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
      const chunk = { federation, round, offset, bytes: bytes.slice(offset, offset + CHUNK_BYTES) };
      const reply = await this.ask('upload-chunk', chunk);
      if (reply.kind !== 'chunk-received') return reply;
    }
    return await this.ask('upload-end', { federation, round });
  }

  [Symbol.dispose](): void {
    this.#socket.disconnect();
  }
}
