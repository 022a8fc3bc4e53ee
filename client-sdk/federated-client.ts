// The client: joins, takes part in every round it is offered, remembers what it has spent. The only public class that
// talks to a coordinator. What it does next is decided by participation/client-state.ts; this file carries it out. No
// message that speaks of a model is acted on before ledger/ledger-witness.ts has seen the history behind it proven.

import type { SigningKey } from '../shared/ed25519.ts';
import type { Digest } from '../shared/ids.ts';
import * as messages from '../shared/protocol/messages.ts';
import { type RandomSource, secureRandomSource } from '../shared/random-source.ts';
import { settlement } from '../shared/settlement.ts';
import { SerialQueue } from '../shared/serial-queue.ts';
import { timeLimit } from '../shared/time-limit.ts';
import { ConnectionLostError, orNotJoined } from './connection/connection-lost-error.ts';
import { CoordinatorConnection } from './connection/coordinator-connection.ts';
import { askInThisJoin, askWheneverJoined, type LedgerKeeper } from './ledger/ask-ledger.ts';
import type { Comparison } from './ledger/ledger-witness.ts';
import type { ClientOptions } from './participation/client-options.ts';
import { type ClientEffect, type ClientEvent, type ClientState, stepClient } from './participation/client-state.ts';
import { RoundNotes } from './participation/round-notes.ts';
import { type RoundReport, RoundReports } from './participation/round-reports.ts';
import { RoundWork } from './participation/round-work.ts';
import type { PrivacyLedger } from './privacy/privacy-ledger.ts';

/** The last model is worth waiting for, but not for a coordinator that has gone. */
const FAREWELL_TIMEOUT_MS = 10_000;
/** Of the time after which a client comes back. */
const LARGEST_JITTER = 0.1;

export class FederatedClient {
  readonly #options: ClientOptions;
  readonly #ledger: PrivacyLedger;
  readonly #connection: CoordinatorConnection;
  readonly #rounds: RoundWork;
  readonly #random: RandomSource;
  readonly #reports = new RoundReports();
  readonly #inbox = new SerialQueue();
  readonly #settled = settlement<void>();
  #joined: messages.Joined | undefined;
  readonly #notes = new RoundNotes();
  #modelDigest: Digest | undefined;
  #state: ClientState = { kind: 'idle' };
  #round = new AbortController();
  /** Aborted when the client has left or is done. */
  readonly #life = new AbortController();
  #lastModel: Float32Array | undefined;
  #work: Promise<void> = Promise.resolve();
  #putAway: Promise<void> | undefined;
  /**
   * Resolves when all rounds have been run or the client has left, rejects when it is refused or its trainer fails; in
   * either case once nothing is trained or written any more, so that the folder may be used again.
   */
  readonly finished: Promise<void>;

  /** Use `joinFederation`. */
  constructor(options: ClientOptions, ledger: PrivacyLedger, onJoined: () => void) {
    this.#options = options;
    this.#ledger = ledger;
    this.#random = options.random ?? secureRandomSource();
    this.finished = this.#settled.promise;
    // Whoever does not ask is not to be killed by an unhandled rejection.
    this.finished.catch(() => undefined);
    this.#connection = new CoordinatorConnection({
      ...options,
      meet: (ledgerKey) => options.witness.meet(ledgerKey),
      onJoined: (joined) => this.#receive(async () => await this.#welcomed(joined).then(onJoined)),
      onRefused: (error) => this.#end(error),
    });
    this.#rounds = new RoundWork({ ...options, ledger, connection: this.#connection });
    this.#listen();
  }

  /** SHA-256 of the client's public key. */
  get id(): SigningKey['clientId'] {
    return this.#options.key.clientId;
  }

  /** What the federation asks. @throws ConnectionLostError before the first join. */
  get terms(): messages.Joined['terms'] {
    return orNotJoined(this.#joined).terms;
  }

  /** Spent in all, for one of `terms.privacy.unit`; null where none is declared or the run voids it (privacy-ledger.ts). */
  get epsilon(): number | null {
    return this.#ledger.epsilonUnder(this.terms.privacy);
  }

  /** Raw Ed25519 key that signs the federation's ledger, hex. @throws ConnectionLostError before the first join. */
  get ledgerKey(): string {
    return orNotJoined(this.#options.witness.ledgerKey);
  }

  /**
   * The last checkpoint of the ledger that was checked: a signed note, to be shown to other clients.
   * @throws ConnectionLostError before the first join.
   */
  get checkpoint(): string {
    return orNotJoined(this.#options.witness.checkpoint);
  }

  /**
   * Another client's checkpoint against ours: `same`, `extends` (theirs goes on where ours ends) or `behind`. Waits for
   * the coordinator, which has to prove it. @throws RefusedError bad-checkpoint for a note of another ledger, and
   * ledger-rewritten, with both notes, where the two are not of one history; Error after `leave`.
   */
  async compareCheckpoint(note: string): Promise<Comparison> {
    orNotJoined(this.#options.witness.checkpoint);
    return await this.#options.witness.compare(note, askWheneverJoined(this.#keeper));
  }

  /** One report for each round offered from now on: `for await (const round of client.rounds())`. */
  rounds(): AsyncGenerator<RoundReport, void, undefined> {
    return this.#reports.iterate();
  }

  /** Call the returned function to stop listening. */
  onRound(listener: (report: RoundReport) => void): () => void {
    return this.#reports.subscribe(listener);
  }

  /**
   * The newest committed model, all tensors end to end in the order of `terms.tensors`; after `finished` the last one.
   * Waits while the client is away between rounds. @throws Error after `leave`.
   */
  async latestModel(): Promise<Float32Array> {
    const digest = orNotJoined(this.#modelDigest);
    try {
      return await this.#rounds.download(digest, this.terms, this.#life.signal);
    } catch (fault) {
      if (this.#lastModel) return this.#lastModel.slice();
      throw fault;
    }
  }

  /** Leaves in good order: ends training, sends nothing more; a later join goes on where this one stopped. */
  async leave(): Promise<void> {
    this.#end();
    await this.#putAway;
  }

  /** Connects; `joinFederation` calls it. */
  open(): void {
    this.#connection.open();
  }

  #listen(): void {
    const { offerSchema, roundClosedSchema, verdictMessageSchema, withheldSchema, finishedSchema } = messages;
    this.#connection.on('round-offered', offerSchema, (offer) => this.#receive(() => this.#offered(offer)));
    this.#connection.on('verdict', verdictMessageSchema, (verdict) => this.#receive(() => this.#notes.judged(verdict)));
    this.#connection.on('round-closed', roundClosedSchema, (closed) => this.#receive(() => this.#closed(closed)));
    this.#connection.on('round-withheld', withheldSchema, (withheld) => this.#receive(() => this.#withheld(withheld)));
    this.#connection.on('federation-finished', finishedSchema, () => this.#receive(() => this.#finish()));
  }

  /** Messages are taken one after another, in the order in which they came. */
  async #receive(act: () => Promise<void> | void): Promise<void> {
    try {
      await this.#inbox.run(async () => (this.#life.signal.aborted ? undefined : await act()));
    } catch (fault) {
      // What could not be checked before the connection was lost is dropped: the next join says it all again.
      if (!(fault instanceof ConnectionLostError)) this.#end(fault);
    }
  }

  /** Nothing of a message is believed before the history it stands on is. @throws RefusedError */
  async #believe(note: string, model: Digest): Promise<void> {
    await this.#options.witness.take({ note, model }, askInThisJoin(this.#keeper));
  }

  get #keeper(): LedgerKeeper {
    return { federation: this.#options.federation, connection: this.#connection, signal: this.#life.signal };
  }

  async #welcomed(joined: messages.Joined): Promise<void> {
    await this.#believe(joined.checkpoint, joined.modelDigest);
    await this.#rounds.welcome(joined, this.#life.signal);
    this.#joined = joined;
    this.#modelDigest = joined.modelDigest;
    // Whatever round we were in has ended while we were away, unless it is offered again.
    const { round } = { round: undefined, ...this.#state };
    if (round !== undefined && joined.offer?.round !== round) this.#dispatch({ kind: 'round-closed', round });
    if (joined.offer) await this.#offered(joined.offer);
    if (joined.finished) await this.#finish();
    this.#awayFor(joined.comeBackInMs);
  }

  /** Not while a round is under way or its verdict is to come, nor before the messages that are here already are read. */
  #awayFor(delayMs: number | null): void {
    if (this.#options.betweenRounds === 'stay' || delayMs === null) return;
    void this.#receive(() => {
      if (this.#state.kind !== 'idle') return;
      this.#connection.comeBackIn(delayMs * (1 + LARGEST_JITTER * this.#random.uniform()));
    });
  }

  async #offered(offer: messages.Offer): Promise<void> {
    const { round } = offer;
    if ('round' in this.#state && this.#state.round >= round) return;
    await this.#believe(offer.checkpoint, offer.baseModelDigest);
    this.#notes.begin(offer);
    const written = await this.#rounds.isWritten(offer);
    this.#dispatch({ kind: 'offered', round, written });
  }

  async #closed({ round, state, modelDigest, checkpoint }: messages.RoundClosed): Promise<void> {
    // What is under way for it stops at once, whatever the ledger turns out to say.
    if ('round' in this.#state && this.#state.round === round) this.#round.abort(new Error('the round is over'));
    await this.#believe(checkpoint, modelDigest);
    this.#modelDigest = modelDigest;
    this.#dispatch({ kind: 'round-closed', round }, state);
  }

  #dispatch(event: ClientEvent, outcome: RoundReport['state'] = null): void {
    const { state, effect } = stepClient(this.#state, event);
    this.#state = state;
    if (effect) this.#perform(effect, event, outcome);
  }

  #perform(effect: ClientEffect, event: ClientEvent, outcome: RoundReport['state']): void {
    // Sending goes on under the signal of the training before it; all else ends what is under way.
    if (event.kind !== 'trained') this.#round.abort(new Error('the round is over'));
    if (event.kind === 'offered') this.#round = new AbortController();
    if (effect === 'train' || effect === 'submit') return this.#start(effect);
    if (effect === 'report' && 'round' in event)
      this.#publish({ round: event.round, ...this.#notes.outcomeOf(event.round), state: outcome });
  }

  #start(effect: 'train' | 'submit'): void {
    const { offer } = this.#notes;
    if (!offer) return;
    const { signal } = this.#round;
    const act = effect === 'train' ? () => this.#train(offer, signal) : () => this.#submit(offer.round, signal);
    this.#work = this.#workAfter(this.#work, act, signal);
  }

  /** Begins when the work before it has ended, aborted or not: one at a time writes to the folder. */
  async #workAfter(before: Promise<void>, act: () => Promise<void>, signal: AbortSignal): Promise<void> {
    await before;
    try {
      signal.throwIfAborted();
      await act();
    } catch (fault) {
      if (!signal.aborted) this.#end(fault);
    }
  }

  async #train(offer: messages.Offer, signal: AbortSignal): Promise<void> {
    const { round } = offer;
    const refused = await this.#rounds.train(offer, this.terms, signal);
    if (!refused) return this.#dispatch({ kind: 'trained', round });
    this.#notes.declined(refused.refusal);
    await this.#rounds.decline(round, refused, signal);
    this.#dispatch({ kind: 'declined', round });
  }

  async #submit(round: number, signal: AbortSignal): Promise<void> {
    await this.#rounds.submit(round, signal);
    this.#dispatch({ kind: 'answered', round });
  }

  /** No offer this time: whoever follows the rounds is told why. */
  #withheld({ round, code, comeBackInMs }: messages.Withheld): void {
    this.#publish({ round, verdict: null, code, declined: null, state: null });
    this.#awayFor(comeBackInMs);
  }

  #publish(report: Omit<RoundReport, 'modelDigest' | 'epsilon'>): void {
    const modelDigest = this.#modelDigest;
    if (modelDigest !== undefined) this.#reports.publish({ ...report, modelDigest, epsilon: this.epsilon });
  }

  /** All rounds have been run. The last model is taken along: the token that fetches it ends with the connection. */
  async #finish(): Promise<void> {
    const limit = timeLimit(FAREWELL_TIMEOUT_MS, [this.#life.signal]);
    try {
      if (this.#modelDigest) this.#lastModel = await this.#rounds.download(this.#modelDigest, this.terms, limit.signal);
    } catch {
      // Without it `latestModel` says that the client has left.
    }
    limit.lift();
    this.#end();
  }

  #end(fault?: unknown): void {
    this.#dispatch({ kind: 'left' });
    this.#life.abort(new Error('the client has left'));
    this.#connection.close();
    this.#reports.end();
    this.#putAway ??= this.#settleAfterWork(fault);
  }

  /** The folder is given up once nothing writes to it any more. */
  async #settleAfterWork(fault: unknown): Promise<void> {
    await this.#work;
    await this.#inbox.run(() => Promise.resolve());
    await this.#options.release();
    if (fault === undefined) this.#settled.resolve();
    else this.#settled.reject(fault);
  }
}
