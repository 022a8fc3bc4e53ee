// Drives the reducer of round-state.ts: turns what happens into events, keeps the two timers, does what a transition
// asks for, one effect after another. Owns the round under way; everybody else asks here whether it is open.

import type { ClientId } from '../../shared/ids.ts';
import type { Clock } from '../../shared/ports.ts';
import type { RefusalCode } from '../../shared/protocol/refusals.ts';
import { SerialQueue } from '../../shared/serial-queue.ts';
import type { OfferedRound, RoundRecord } from '../../shared/protocol/round-record.ts';
import {
  type CohortGoal,
  type Report,
  type RoundEffect,
  type RoundEvent,
  type RoundState,
  selecting,
  step,
} from './round-state.ts';

export interface RoundTiming {
  readonly selectionTimeoutMs: number;
  readonly deadlineMs: number;
}

/** What the runner needs others for. */
export interface RoundActs {
  /** Clients that could be offered a round now. */
  eligible(round: number): Promise<readonly ClientId[]>;
  /** Draws the cohort and writes the round down; the offer may be sent once this resolves. */
  offer(round: number, eligible: readonly ClientId[]): Promise<OfferedRound>;
  sendOffer(client: ClientId, offer: RoundOffer): void;
  /** To a client that was eligible and not drawn. */
  sendWithheld(client: ClientId, offer: RoundOffer): void;
  close(offered: OfferedRound, turnedAway: ReadonlyMap<ClientId, RefusalCode>): Promise<RoundRecord>;
  announceRecord(record: RoundRecord): void;
  /** All rounds have been run. */
  finished(): void;
  /** A fault: the coordinator cannot go on. */
  failed(fault: unknown): void;
}

/** A round as it is offered to a client. */
export interface RoundOffer {
  readonly round: number;
  readonly baseModelDigest: OfferedRound['baseModel'];
  /** What is left until it closes. */
  readonly deadlineMs: number;
}

export interface RunnerOptions {
  readonly goal: CohortGoal;
  readonly timing: RoundTiming;
  /** Number of the last round. */
  readonly rounds: number;
  readonly clock: Clock;
  readonly acts: RoundActs;
}

/** A round found under way after a restart. */
export interface ResumedRound {
  readonly offered: OfferedRound;
  /** Clients that have not reported. */
  readonly awaited: ReadonlySet<ClientId>;
  /** Clients that declined or were turned away, and why. */
  readonly turnedAway: ReadonlyMap<ClientId, RefusalCode>;
}

export class RoundRunner {
  readonly #options: RunnerOptions;
  readonly #effects = new SerialQueue();
  #state: RoundState = selecting(1);
  #offered: OfferedRound | undefined;
  #deadlineAt = 0;
  readonly #turnedAway = new Map<ClientId, RefusalCode>();
  #cancelTimer: () => void = () => undefined;
  #stopped = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Goes on with the round under way, or with the selection for `next`. */
  start(next: number, resumed?: ResumedRound): void {
    if (!resumed) return this.#enter(next);
    this.#offered = resumed.offered;
    for (const [client, code] of resumed.turnedAway) this.#turnedAway.set(client, code);
    this.#state = { kind: 'configuring', round: resumed.offered.number };
    this.#dispatch({ kind: 'offered', awaited: resumed.awaited });
  }

  /** The round that takes updates now. */
  get open(): OfferedRound | undefined {
    return this.#state.kind === 'reporting' ? this.#offered : undefined;
  }

  /** Whether a client has yet to report in the open round. */
  awaits(client: ClientId): boolean {
    return this.#state.kind === 'reporting' && this.#state.awaited.has(client);
  }

  offerOf({ number: round, baseModel: baseModelDigest }: OfferedRound): RoundOffer {
    const deadlineMs = Math.max(0, this.#deadlineAt - this.#options.clock.now().getTime());
    return { round, baseModelDigest, deadlineMs };
  }

  /** True when every round has been run. */
  get isFinished(): boolean {
    return this.#state.round > this.#options.rounds;
  }

  /** Clients came or went. */
  populationChanged(): void {
    if (this.#state.kind === 'selecting' && !this.isFinished) this.#later(() => this.#countPopulation());
  }

  /** A client has reported in a round; nothing happens when that round is not the open one. */
  reported(client: ClientId, round: number, report: Report): void {
    if (this.open?.number === round) this.#dispatch({ kind: 'reported', client, report });
  }

  /** A client of the cohort never got as far as an update of its own on record: `code` will be its verdict's. */
  turnAway(client: ClientId, round: number, code: RefusalCode): void {
    if (this.open?.number !== round) return;
    this.#turnedAway.set(client, code);
    this.reported(client, round, code === 'budget-exhausted' ? 'declined' : 'refused');
  }

  /** Lets an effect under way end, starts no other; a round under way is found again at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#effects.run(() => Promise.resolve());
  }

  #enter(round: number): void {
    this.#offered = undefined;
    this.#turnedAway.clear();
    this.#state = selecting(round);
    if (this.isFinished) this.#options.acts.finished();
    else this.populationChanged();
  }

  #dispatch(event: RoundEvent): void {
    if (this.#stopped) return;
    const { state, effect } = step(this.#state, event, this.#options.goal);
    this.#state = state;
    if (effect) this.#perform(effect);
  }

  #perform(effect: RoundEffect): void {
    const { clock, timing } = this.#options;
    this.#cancelTimer();
    switch (effect) {
      case 'count-clients':
        return this.populationChanged();
      case 'wait-for-more-clients':
        this.#cancelTimer = clock.after(timing.selectionTimeoutMs, () =>
          this.#dispatch({ kind: 'selection-timed-out' }),
        );
        return;
      case 'start-deadline':
        this.#deadlineAt = clock.now().getTime() + timing.deadlineMs;
        this.#cancelTimer = clock.after(timing.deadlineMs, () => this.#dispatch({ kind: 'deadline-passed' }));
        return;
      case 'offer-round':
        return this.#later(() => this.#offer());
      case 'close-round':
        return this.#later(() => this.#close());
      case 'finish-round':
        return this.#enter(this.#state.round + 1);
    }
  }

  async #countPopulation(): Promise<void> {
    const eligible = await this.#options.acts.eligible(this.#state.round);
    this.#dispatch({ kind: 'population-changed', present: eligible.length });
  }

  async #offer(): Promise<void> {
    const { acts, goal } = this.#options;
    const { round } = this.#state;
    const eligible = await acts.eligible(round);
    if (eligible.length < goal.minimum) return this.#dispatch({ kind: 'fell-short' });
    const offered = await acts.offer(round, eligible);
    this.#offered = offered;
    this.#dispatch({ kind: 'offered', awaited: new Set(offered.cohort) });
    // Stopped meanwhile: the round takes no updates before it is found again.
    if (!this.open) return;
    const offer = this.offerOf(offered);
    const drawn = new Set(offered.cohort);
    for (const client of drawn) acts.sendOffer(client, offer);
    for (const client of eligible.filter((id) => !drawn.has(id))) acts.sendWithheld(client, offer);
  }

  async #close(): Promise<void> {
    const { acts } = this.#options;
    if (!this.#offered) return;
    const record = await acts.close(this.#offered, this.#turnedAway);
    acts.announceRecord(record);
    this.#dispatch({ kind: 'closed', outcome: record.state });
  }

  #later(act: () => Promise<void>): void {
    const unlessStopped = async (): Promise<void> => {
      if (!this.#stopped) await act();
    };
    this.#effects.run(unlessStopped).catch((fault: unknown) => this.#options.acts.failed(fault));
  }
}
