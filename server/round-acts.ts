// What the clock of the rounds asks, done by the rooms: who could take part, drawing and offering, spine 2, telling
// everybody how it ended.

import type { ClientId } from '../shared/ids.ts';
import type { RefusalCode } from '../shared/protocol/refusals.ts';
import { selectCohort } from './admission/select-cohort.ts';
import { tolerated } from './aggregation/tolerance.ts';
import { type Foundation, newestModel } from './foundation.ts';
import { clientBudgets, type ClientBudgets } from './privacy/client-budget.ts';
import { closeRound } from './round/close-round.ts';
import type { OfferedRound, RoundRecord } from '../shared/protocol/round-record.ts';
import type { RoundActs } from './round/run-round.ts';
import type { ByteMeter } from './transport/byte-meter.ts';
import type { SocketGateway } from './transport/socket-gateway.ts';
import { dropUpdatesBefore } from './update/staging/drop-updates.ts';

export interface ActsOptions {
  readonly foundation: Foundation;
  readonly meter: ByteMeter;
  /** Asked anew each time: gateway and acts need each other. */
  readonly gateway: () => SocketGateway;
  readonly onFinished: () => void;
  readonly onFault: (fault: unknown) => void;
}

export class CoordinatorActs implements RoundActs {
  readonly #foundation: Foundation;
  readonly #options: ActsOptions;
  /** Clients that know that this round is not for them. */
  readonly #told = new Set<ClientId>();
  #bytesAtOffer = 0;

  constructor(options: ActsOptions) {
    this.#foundation = options.foundation;
    this.#options = options;
  }

  async eligible(round: number): Promise<readonly ClientId[]> {
    const budgets = await this.#budgets();
    const { federation } = this.#foundation;
    const gateway = this.#options.gateway();
    const exhausted = gateway.connected.filter((id) => !budgets.affordsRound(id));
    for (const id of exhausted.filter((each) => !this.#told.has(each))) {
      this.#told.add(id);
      gateway.send(id, 'round-withheld', { federation, round, code: 'budget-exhausted' });
    }
    return gateway.connected.filter((id) => !exhausted.includes(id));
  }

  async offer(round: number, eligible: readonly ClientId[]): Promise<OfferedRound> {
    const { config, stores, clock, random, log } = this.#foundation;
    const cohort = [...selectCohort(eligible, config.cohort.size, random)];
    const f = tolerated(config.rule.f, cohort.length);
    const baseModel = await newestModel(this.#foundation);
    const offered = { number: round, baseModel, cohort, f, offeredAt: clock.now().toISOString() };
    await stores.rounds.offer(offered, { type: 'round-offered', round, baseModel, cohort, f });
    this.#told.clear();
    this.#bytesAtOffer = this.#options.meter.bytesRead();
    log(`round ${round} offered to ${cohort.length} clients, f = ${f}`);
    return offered;
  }

  sendOffer(client: ClientId, offer: Parameters<RoundActs['sendOffer']>[1]): void {
    this.#options.gateway().send(client, 'round-offered', { federation: this.#foundation.federation, ...offer });
  }

  async close(offered: OfferedRound, turnedAway: ReadonlyMap<ClientId, RefusalCode>): Promise<RoundRecord> {
    return await this.#foundation.turns.run(async () => {
      const { federation, terms, rule, stores, blobs, clock, refusals } = this.#foundation;
      const rows = await stores.updates.ofRound(offered.number);
      const clients = await stores.enrolment.clients();
      const bytesReceived = this.#options.meter.bytesRead() - this.#bytesAtOffer;
      const facts = { offered, rows, turnedAway, clients, budgets: await this.#budgets(), bytesReceived };
      const rooms = { federation, schema: terms.tensors, blobs, rule, rounds: stores.rounds };
      const record = await closeRound({ ...facts, closedAt: clock.now() }, rooms);
      await dropUpdatesBefore(offered.number, { ...stores, blobs });
      await refusals.roundEnded(offered.number);
      return record;
    });
  }

  announceRecord(record: RoundRecord): void {
    const { federation, log } = this.#foundation;
    const { number: round, state, baseModel, model, verdicts } = record;
    const gateway = this.#options.gateway();
    gateway.dropUploads();
    for (const { client, verdict, code } of verdicts) {
      gateway.send(client, 'verdict', { federation, round, verdict, code });
    }
    const closed = { federation, round, state, modelDigest: model ?? baseModel };
    for (const client of gateway.connected) gateway.send(client, 'round-closed', closed);
    const selected = verdicts.filter(({ verdict }) => verdict === 'selected').length;
    log(`round ${round} ${state}: ${selected} of ${verdicts.length} selected`);
  }

  finished(): void {
    const { federation } = this.#foundation;
    const gateway = this.#options.gateway();
    for (const client of gateway.connected) gateway.send(client, 'federation-finished', { federation });
    this.#options.onFinished();
  }

  failed(fault: unknown): void {
    this.#options.onFault(fault);
  }

  async #budgets(): Promise<ClientBudgets> {
    const { stores, terms } = this.#foundation;
    return clientBudgets(await stores.charges.charges(), terms);
  }
}
