// The client: joins, takes part in every round it is offered, remembers what it has spent. The only public class that
// talks to a coordinator. What it does next is decided by participation/client-state.ts; this file carries it out.

import type { SigningKey } from '../shared/ed25519.ts';
import { asDigest, type Digest, type FederationId } from '../shared/ids.ts';
import * as messages from '../shared/protocol/messages.ts';
import { isRefused, type Refusal } from '../shared/protocol/refusals.ts';
import { settlement } from '../shared/settlement.ts';
import { SerialQueue } from '../shared/serial-queue.ts';
import {
  ConnectionLostError,
  type ConnectionTiming,
  CoordinatorConnection,
} from './connection/coordinator-connection.ts';
import { type ClientEffect, type ClientEvent, type ClientState, stepClient } from './participation/client-state.ts';
import type { ClientStore } from './participation/client-store.ts';
import { type RoundReport, RoundReports } from './participation/round-reports.ts';
import { type OwnerLimits, RoundWork } from './participation/round-work.ts';
import type { PrivacyLedger } from './privacy/privacy-ledger.ts';
import type { Trainer } from './training/trainer.ts';

export interface ClientOptions extends OwnerLimits {
  readonly url: string;
  readonly federation: FederationId;
  readonly invite: string | null;
  readonly name: string;
  readonly trainer: Trainer;
  readonly key: SigningKey;
  readonly store: ClientStore;
  readonly timing?: Partial<ConnectionTiming>;
  /** Called once, when the client has ended and writes nothing more. */
  readonly release: () => Promise<void>;
}

/** The last model is worth waiting for, but not for a coordinator that has gone. */
const FAREWELL_TIMEOUT_MS = 10_000;

export class FederatedClient {
  readonly #options: ClientOptions;
  readonly #ledger: PrivacyLedger;
  readonly #connection: CoordinatorConnection;
  readonly #rounds: RoundWork;
  readonly #reports = new RoundReports();
  readonly #inbox = new SerialQueue();
  readonly #settled = settlement<void>();
  #joined: messages.Joined | undefined;
  #offer: messages.Offer | undefined;
  #verdict: messages.VerdictMessage | undefined;
  /** Why this client will not take part in the round it was last offered. */
  #declined: Refusal | null = null;
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
    this.finished = this.#settled.promise;
    // Whoever does not ask is not to be killed by an unhandled rejection.
    this.finished.catch(() => undefined);
    this.#connection = new CoordinatorConnection({
      ...options,
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
    if (!this.#joined) throw new ConnectionLostError('not joined yet');
    return this.#joined.terms;
  }

  /** Spent by this client's folder over its whole history; null where no privacy is declared or the run voids it. */
  get epsilon(): number | null {
    const { privacy } = this.terms;
    return privacy.mode === 'none' || privacy.void ? null : this.#ledger.epsilonSpent(privacy.delta);
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
   * @throws Error after `leave`.
   */
  async latestModel(): Promise<Float32Array> {
    if (!this.#modelDigest) throw new ConnectionLostError('not joined yet');
    try {
      return await this.#rounds.download(this.#modelDigest, this.terms, this.#life.signal);
    } catch (fault) {
      if (this.#lastModel) return this.#lastModel.slice();
      throw fault;
    }
  }

  /** Leaves in good order: ends training, sends nothing more; a later join goes on where this one stopped. */
  async leave(): Promise<void> {
    this.#end();
    await this.#inbox.run(() => Promise.resolve());
    await this.#putAway;
  }

  /** Connects; `joinFederation` calls it. */
  open(): void {
    this.#connection.open();
  }

  #listen(): void {
    const { offerSchema, roundClosedSchema, verdictMessageSchema, withheldSchema, finishedSchema } = messages;
    this.#connection.on('round-offered', offerSchema, (offer) => this.#receive(() => this.#offered(offer)));
    this.#connection.on('verdict', verdictMessageSchema, (verdict) =>
      this.#receive(() => {
        this.#verdict = verdict;
      }),
    );
    this.#connection.on('round-closed', roundClosedSchema, (closed) => this.#receive(() => this.#closed(closed)));
    this.#connection.on('round-withheld', withheldSchema, (withheld) => this.#receive(() => this.#withheld(withheld)));
    this.#connection.on('federation-finished', finishedSchema, () => this.#receive(() => this.#finish()));
  }

  /** Messages are taken one after another, in the order in which they came. */
  async #receive(act: () => Promise<void> | void): Promise<void> {
    try {
      await this.#inbox.run(async () => await act());
    } catch (fault) {
      this.#end(fault);
    }
  }

  async #welcomed(joined: messages.Joined): Promise<void> {
    this.#joined = joined;
    this.#modelDigest = asDigest(joined.modelDigest);
    // Whatever round we were in has ended while we were away, unless it is offered again.
    const { round } = { round: undefined, ...this.#state };
    if (round !== undefined && joined.offer?.round !== round) this.#dispatch({ kind: 'round-closed', round });
    if (joined.offer) await this.#offered(joined.offer);
    if (joined.finished) await this.#finish();
  }

  async #offered(offer: messages.Offer): Promise<void> {
    const { round } = offer;
    if (this.#state.kind === 'left' || ('round' in this.#state && this.#state.round >= round)) return;
    this.#offer = offer;
    this.#verdict = undefined;
    this.#declined = null;
    const written = await this.#rounds.isWritten(offer);
    this.#dispatch({ kind: 'offered', round, written });
  }

  #closed({ round, state, modelDigest }: messages.RoundClosed): void {
    this.#modelDigest = asDigest(modelDigest);
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
    if (effect === 'report' && 'round' in event) this.#report(event.round, outcome);
  }

  #start(effect: 'train' | 'submit'): void {
    const offer = this.#offer;
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
    const trained = await this.#rounds.train(offer, this.terms, signal);
    if (!isRefused(trained)) return this.#dispatch({ kind: 'trained', round });
    this.#declined = trained.refusal;
    await this.#rounds.decline(round, trained, signal);
    this.#dispatch({ kind: 'declined', round });
  }

  async #submit(round: number, signal: AbortSignal): Promise<void> {
    await this.#rounds.submit(round, signal);
    this.#dispatch({ kind: 'answered', round });
  }

  /** No offer this time: whoever follows the rounds is told why. */
  #withheld({ round, code }: messages.Withheld): void {
    const modelDigest = this.#modelDigest;
    if (modelDigest === undefined) return;
    const unoffered = { verdict: null, code, declined: null, state: null };
    this.#reports.publish({ round, ...unoffered, modelDigest, epsilon: this.epsilon });
  }

  #report(round: number, state: RoundReport['state']): void {
    const known = this.#verdict?.round === round ? this.#verdict : undefined;
    const modelDigest = this.#modelDigest;
    if (modelDigest === undefined) return;
    const { verdict = null, code = null } = known ?? {};
    const declined = this.#offer?.round === round ? this.#declined : null;
    this.#reports.publish({ round, verdict, code, declined, state, modelDigest, epsilon: this.epsilon });
  }

  /** All rounds have been run. The last model is taken along: the token that fetches it ends with the connection. */
  async #finish(): Promise<void> {
    const limit = AbortSignal.any([this.#life.signal, AbortSignal.timeout(FAREWELL_TIMEOUT_MS)]);
    try {
      if (this.#modelDigest) this.#lastModel = await this.#rounds.download(this.#modelDigest, this.terms, limit);
    } catch {
      // Without it `latestModel` says that the client has left.
    }
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
    await this.#options.release();
    if (fault === undefined) this.#settled.resolve();
    else this.#settled.reject(fault);
  }
}
