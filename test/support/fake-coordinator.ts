// A coordinator of one client that keeps the protocol until a test tells it not to: it reads every message through its
// schema, checks signatures, takes uploads in chunks, proves its ledger and serves one model. Whatever it hears can be
// waited for; any answer can be replaced, once or always.

import { createServer, type Server as HttpServer, type ServerResponse } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { onTestFinished } from 'vitest';
import type { z } from 'zod';
import { randomHex } from '../../shared/bytes.ts';
import { sha256 } from '../../shared/digest.ts';
import { clientIdOf, verifySignature } from '../../shared/ed25519.ts';
import { asFederationId, asOrganisationId, type Digest } from '../../shared/ids.ts';
import { envelopeBytes } from '../../shared/protocol/envelope.ts';
import type { CoordinatorToClient } from '../../shared/protocol/events.ts';
import { joinTranscript } from '../../shared/protocol/join-transcript.ts';
import * as messages from '../../shared/protocol/messages.ts';
import { refuse } from '../../shared/protocol/refusals.ts';
import { spentStatementBytes } from '../../shared/protocol/spent-statement.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import { encodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { parameterCount } from '../../shared/update-format/tensor-schema.ts';
import { Arrivals } from './arrivals.ts';
import { FakeLedger } from './fake-ledger.ts';

export const federation = asFederationId('study');

/** 2,000 parameters: an update of 8 kB, which is several windows of the chunks below. */
export const fakeTerms: FederationTerms = {
  federation,
  tensors: [{ name: 'kernel', shape: [40, 50] }],
  training: { learningRate: 1, stepsPerRound: 4, samplingRate: 0.1, expectedBatchSize: 10, clippingNormL2: 1 },
  privacy: {
    mode: 'local',
    noiseMultiplier: 1,
    epsilonBudget: 50,
    delta: 1e-4,
    adjacency: 'add-remove',
    unit: 'example',
    void: false,
  },
  rounds: 10,
};
export const CHUNK = { chunkBytes: 512, chunksInFlight: 4 };

/** What is answered in place of `honest()`; undefined: nothing ever. */
export type Behaviour = (honest: () => Promise<object>, socket: Socket) => unknown;

type Message = { [Event in keyof CoordinatorToClient]: Parameters<CoordinatorToClient[Event]>[0] };

interface Parts {
  readonly io: Server;
  readonly http: HttpServer;
  readonly model: Uint8Array<ArrayBuffer>;
  readonly digest: Digest;
  readonly ledger: FakeLedger;
}

export class FakeCoordinator {
  readonly hellos = new Arrivals<messages.Hello>();
  readonly joins = new Arrivals<messages.Join>();
  readonly begins = new Arrivals<messages.UploadBegin>();
  readonly chunks = new Arrivals<messages.UploadChunk>();
  readonly ends = new Arrivals<messages.UploadEnd>();
  readonly declines = new Arrivals<messages.Decline>();
  readonly spent = new Arrivals<messages.SpentRounds>();
  readonly proofs = new Arrivals<messages.LedgerProofRequest>();
  readonly renewals = new Arrivals<messages.RenewToken>();
  /** Why each socket that is gone was closed. */
  readonly departures = new Arrivals<string>();
  /** Paths asked for over HTTP. */
  readonly downloads = new Arrivals<string>();
  readonly receipts = new Map<number, messages.ReceiptMessage>();
  terms = fakeTerms;
  /** Told to whoever joins. */
  offer: messages.Offer | null = null;
  finished = false;
  /** Told to whoever joins. */
  chargedRounds: number[] = [];
  /** Of a coordinator that was restored from a backup. */
  countedRounds: number[] | undefined;
  /** Told to whoever joins. */
  comeBackInMs: number | null = null;
  tokenExpiresInMs = 3_600_000;
  /** Its newest checkpoint goes with every message that has one. */
  ledger: FakeLedger;
  /** In place of serving the model. */
  download: ((response: ServerResponse, honest: () => void) => void) | undefined;
  readonly #io: Server;
  readonly #http: HttpServer;
  readonly #model: Uint8Array<ArrayBuffer>;
  readonly modelDigest: Digest;
  readonly url: string;
  #client = '';
  #publicKey = '';
  #challenge = '';
  #token = '';
  #upload = { digest: '', bytes: new Uint8Array(), received: 0 };
  readonly #once = new Map<string, Behaviour[]>();
  readonly #always = new Map<string, Behaviour>();

  private constructor(parts: Parts) {
    this.ledger = parts.ledger;
    this.#io = parts.io;
    this.#http = parts.http;
    this.#model = parts.model;
    this.modelDigest = parts.digest;
    const address = parts.http.address();
    this.url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    this.#io.on('connection', (socket) => this.#accept(socket));
    parts.http.on('request', (request, response) => this.#serve(request.url ?? '', request.headers, response));
  }

  /** Stopped with the test. */
  static async start(): Promise<FakeCoordinator> {
    const coordinator = await FakeCoordinator.open();
    onTestFinished(() => coordinator.stop());
    return coordinator;
  }

  /** To be stopped by whoever opens it. */
  static async open(): Promise<FakeCoordinator> {
    const http = createServer();
    const io = new Server(http, { transports: ['websocket'], serveClient: false });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const values = Float32Array.from({ length: parameterCount(fakeTerms.tensors) }, (_, i) => i / 16);
    const model = encodeSafetensors(fakeTerms.tensors, values);
    const digest = await sha256(model);
    return new FakeCoordinator({ io, http, model, digest, ledger: await FakeLedger.found(digest) });
  }

  offerOf(round: number): messages.Offer {
    return { federation, round, baseModelDigest: this.modelDigest, deadlineMs: 60_000, checkpoint: this.ledger.note };
  }

  /** Offers the round to whoever is connected, and to whoever joins. */
  offerRound(round: number): void {
    this.offer = this.offerOf(round);
    this.send('round-offered', this.offer);
  }

  closeRound(round: number, verdict: messages.VerdictMessage['verdict'] = 'selected'): void {
    this.offer = null;
    this.send('verdict', { federation, round, verdict, code: null });
    const { modelDigest } = this;
    this.send('round-closed', { federation, round, state: 'committed', modelDigest, checkpoint: this.ledger.note });
  }

  send<Event extends keyof CoordinatorToClient>(event: Event, message: Message[Event]): void {
    this.#io.emit(event, message);
  }

  /** The next answer to `event` that is not spoken for. */
  once(event: string, behaviour: Behaviour): void {
    this.#once.set(event, [...(this.#once.get(event) ?? []), behaviour]);
  }

  always(event: string, behaviour: Behaviour): void {
    this.#always.set(event, behaviour);
  }

  get sockets(): number {
    return this.#io.engine.clientsCount;
  }

  /** One byte of what has been uploaded is no longer the one that was sent. */
  spoilUpload(): void {
    const { bytes } = this.#upload;
    bytes[0] = (bytes[0] ?? 0) ^ 1;
  }

  /** The connection breaks, as when a cable is pulled. */
  breakConnections(): void {
    for (const socket of this.#io.sockets.sockets.values()) socket.conn.close();
  }

  async stop(): Promise<void> {
    this.#http.closeAllConnections();
    await this.#io.close();
  }

  #accept(socket: Socket): void {
    socket.on('disconnect', (reason) => this.departures.push(reason));
    this.#hear(socket, 'hello', messages.helloSchema, this.hellos, () => this.#hello());
    this.#hear(socket, 'join', messages.joinSchema, this.joins, (join) => this.#join(join));
    this.#hear(socket, 'upload-begin', messages.uploadBeginSchema, this.begins, (begin) => this.#begin(begin));
    this.#hear(socket, 'upload-chunk', messages.uploadChunkSchema, this.chunks, (chunk) => this.#append(chunk));
    this.#hear(socket, 'upload-end', messages.uploadEndSchema, this.ends, (end) => this.#end(end));
    this.#hear(socket, 'spent-rounds', messages.spentRoundsSchema, this.spent, (said) => this.#noteSpent(said));
    this.#hear(socket, 'decline', messages.declineSchema, this.declines, () => ({ kind: 'noted' }));
    this.#hear(socket, 'ledger-proof', messages.ledgerProofRequestSchema, this.proofs, (ask) => this.#prove(ask));
    this.#hear(socket, 'renew-token', messages.renewTokenSchema, this.renewals, () => this.#renew());
  }

  #hear<Schema extends z.ZodType>(
    socket: Socket,
    event: string,
    schema: Schema,
    heard: Arrivals<z.output<Schema>>,
    honest: (message: z.output<Schema>) => object | Promise<object>,
  ): void {
    socket.on(event, async (input: unknown, answer: (reply: unknown) => void) => {
      const message = schema.parse(input);
      heard.push(message);
      const behaviour = this.#once.get(event)?.shift() ?? this.#always.get(event);
      const keep = async (): Promise<object> => await honest(message);
      const reply = behaviour ? await behaviour(keep, socket) : await keep();
      if (reply !== undefined) answer(reply);
    });
  }

  #hello(): object {
    this.#challenge = randomHex(32);
    return { kind: 'welcome', protocolVersion: 1, challenge: this.#challenge, ledgerKey: this.ledger.publicKey };
  }

  async #join({ publicKey, name, audience, signature }: messages.Join): Promise<object> {
    const stated = { federation, protocolVersion: 1, publicKey, name, audience };
    const statement = joinTranscript({ ...stated, challenge: this.#challenge });
    if (!(await verifySignature(publicKey, signature, statement))) return refuse('bad-signature');
    this.#publicKey = publicKey;
    this.#client = await clientIdOf(publicKey);
    this.#token = randomHex(32);
    return {
      kind: 'joined',
      client: this.#client,
      organisation: asOrganisationId('clinic'),
      token: this.#token,
      tokenExpiresInMs: this.tokenExpiresInMs,
      terms: this.terms,
      limits: CHUNK,
      modelDigest: this.modelDigest,
      checkpoint: this.ledger.note,
      comeBackInMs: this.comeBackInMs,
      chargedRounds: this.chargedRounds,
      ...(this.countedRounds ? { countedRounds: this.countedRounds } : {}),
      offer: this.offer,
      finished: this.finished,
    };
  }

  #prove(ask: messages.LedgerProofRequest): object {
    return ask.size > this.ledger.size ? refuse('unknown-checkpoint') : this.ledger.prove(ask);
  }

  async #noteSpent({ rounds, signature }: messages.SpentRounds): Promise<object> {
    const statement = spentStatementBytes({ federation, client: this.#client, rounds });
    if (!(await verifySignature(this.#publicKey, signature, statement))) return refuse('bad-signature');
    return { kind: 'noted' };
  }

  #renew(): object {
    this.#token = randomHex(32);
    return { kind: 'token', token: this.#token, expiresInMs: this.tokenExpiresInMs };
  }

  async #begin({ round, envelope, signature }: messages.UploadBegin): Promise<object> {
    const receipt = this.receipts.get(round);
    if (receipt) return receipt.updateDigest === envelope.updateDigest ? receipt : refuse('equivocation');
    if (!(await verifySignature(this.#publicKey, signature, envelopeBytes(envelope)))) return refuse('bad-signature');
    if (this.#upload.digest !== envelope.updateDigest) {
      this.#upload = { digest: envelope.updateDigest, bytes: new Uint8Array(envelope.byteLength), received: 0 };
    }
    return { kind: 'send-from', offset: this.#upload.received };
  }

  #append({ offset, bytes }: messages.UploadChunk): object {
    if (offset === this.#upload.received) {
      this.#upload.bytes.set(bytes, offset);
      this.#upload.received += bytes.length;
    }
    return { kind: 'chunk-received', offset: this.#upload.received };
  }

  async #end({ round }: messages.UploadEnd): Promise<object> {
    const updateDigest = await sha256(this.#upload.bytes);
    if (updateDigest !== this.#upload.digest) {
      this.#upload.digest = '';
      return refuse('bad-digest');
    }
    const stagedAt = new Date(0).toISOString();
    const client = await clientIdOf(this.#publicKey);
    const receipt: messages.ReceiptMessage = { kind: 'receipt', federation, round, client, updateDigest, stagedAt };
    this.receipts.set(round, receipt);
    return receipt;
  }

  #serve(path: string, headers: { authorization?: string | undefined }, response: ServerResponse): void {
    if (!path.startsWith('/federations/')) return;
    this.downloads.push(path);
    const honest = (): void => {
      const known = path === `/federations/${federation}/models/${this.modelDigest}`;
      if (headers.authorization !== `Bearer ${this.#token}`) response.writeHead(401).end();
      else if (!known) response.writeHead(404).end();
      else response.writeHead(200, { 'content-length': this.#model.length }).end(this.#model);
    };
    if (this.download) this.download(response, honest);
    else honest();
  }
}
