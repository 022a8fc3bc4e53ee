// What the clock of the rounds asks, done by the rooms: who could take part, drawing and offering, spine 2, telling
// everybody how it ended.

import { canonicalJson } from '../shared/canonical-json.ts';
import { sha256 } from '../shared/digest.ts';
import { type ClientId, compareText, type Digest, type OrganisationId } from '../shared/ids.ts';
import type { RefusalCode } from '../shared/protocol/refusals.ts';
import { secureRandomSource } from '../shared/random-source.ts';
import type { EnrolledClient } from './admission/enrolment-store.ts';
import { largestDraw, selectCohort } from './admission/select-cohort.ts';
import { liarsIn } from './aggregation/tolerance.ts';
import { type Foundation, newestCheckpoint, newestModel } from './foundation.ts';
import { centralBudget } from './privacy/central-budget.ts';
import { clientBudgets, type ClientBudgets } from './privacy/client-budget.ts';
import { closeRound } from './round/close-round.ts';
import { SUSPECT } from './round/judge-cohort.ts';
import type { OfferedRound, RoundRecord } from '../shared/protocol/round-record.ts';
import { newRoundSeed, seedCommitment } from '../shared/protocol/round-seed.ts';
import type { RoundSeed } from './round/round-store.ts';
import type { RoundActs } from './round/run-round.ts';
import type { ByteMeter } from './transport/byte-meter.ts';
import type { SocketGateway } from './transport/socket-gateway.ts';
import { dropUpdatesBeyond } from './update/staging/drop-updates.ts';

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
  /** Of central noise: never a seeded one. */
  readonly #random = secureRandomSource();
  /** Clients that know that this round is not for them. */
  readonly #told = new Set<ClientId>();
  /** As it goes out with offers and ends of rounds. */
  #checkpoint = '';
  #bytesAtOffer = 0;

  constructor(options: ActsOptions) {
    this.#foundation = options.foundation;
    this.#options = options;
  }

  async eligible(round: number): Promise<readonly ClientId[]> {
    // Before anybody knows who could be drawn.
    await this.#seedOf(round);
    const { config, federation, stores } = this.#foundation;
    const clients = await stores.enrolment.clients();
    const budgets = await this.#budgets(clients);
    const active = organisationsOf(clients.filter(({ status }) => status === 'active'));
    const gateway = this.#options.gateway();
    // A client may be barred while its join is being answered, before there is a socket to close.
    const present = gateway.connected.filter((id) => active.has(id));
    const exhausted = present.filter((id) => !budgets.affordsRound(id));
    for (const id of exhausted.filter((each) => !this.#told.has(each))) {
      this.#told.add(id);
      gateway.send(id, 'round-withheld', { federation, round, code: 'budget-exhausted', comeBackInMs: null });
    }
    const left = present.filter((id) => !exhausted.includes(id));
    const { minimum, maxPerOrganisation } = config.cohort;
    if (maxPerOrganisation === null) return left;
    const drawable = largestDraw(
      left.flatMap((id) => active.get(id) ?? []),
      maxPerOrganisation,
    );
    // A cohort that the caps leave too small would be trained with, charged and abandoned.
    return drawable >= minimum ? left : [];
  }

  async offer(round: number, eligible: readonly ClientId[]): Promise<OfferedRound> {
    const { stores, clock, log } = this.#foundation;
    const { commitment, ...draw } = await this.#draw(round, eligible);
    const baseModel = await newestModel(this.#foundation);
    const drawn = { baseModel, cohort: draw.cohort, f: draw.f };
    const offeredAt = clock.now().toISOString();
    const offered = {
      number: round,
      ...drawn,
      eligible: [...eligible].sort(compareText),
      seedCommitment: commitment,
      offeredAt,
    };
    const eligibleDigest = await sha256(canonicalJson(offered.eligible));
    await stores.rounds.offer(offered, { type: 'round-offered', round, ...drawn, eligibleDigest });
    this.#told.clear();
    this.#bytesAtOffer = this.#options.meter.bytesRead();
    this.#checkpoint = await newestCheckpoint(this.#foundation);
    log(`round ${round} offered to ${draw.cohort.length} clients, f = ${draw.f}`);
    return offered;
  }

  sendOffer(client: ClientId, offer: Parameters<RoundActs['sendOffer']>[1]): void {
    const { federation } = this.#foundation;
    this.#options.gateway().send(client, 'round-offered', { federation, ...offer, checkpoint: this.#checkpoint });
  }

  sendWithheld(client: ClientId, { round, deadlineMs }: Parameters<RoundActs['sendWithheld']>[1]): void {
    const { federation } = this.#foundation;
    const withheld = { federation, round, code: 'not-in-cohort', comeBackInMs: deadlineMs } as const;
    this.#options.gateway().send(client, 'round-withheld', withheld);
  }

  async #draw(
    round: number,
    eligible: readonly ClientId[],
  ): Promise<{ readonly cohort: ClientId[]; readonly f: number; readonly commitment: Digest }> {
    const { config, stores } = this.#foundation;
    const { seed, commitment } = await this.#seedOf(round);
    const organisations = organisationsOf(await stores.enrolment.clients());
    const candidates = eligible.flatMap((id) => {
      const organisation = organisations.get(id);
      return organisation === undefined ? [] : [{ id, organisation }];
    });
    const cohort = [...selectCohort(candidates, { ...config.cohort, seed })];
    const organisationsOfCohort = cohort.flatMap((id) => organisations.get(id) ?? []);
    return { cohort, f: liarsIn(config.rule, organisationsOfCohort), commitment };
  }

  async #seedOf(round: number): Promise<RoundSeed> {
    const { federation, stores } = this.#foundation;
    const known = await stores.rounds.seedOf(round);
    if (known) return known;
    const seed = newRoundSeed();
    const commitment = await seedCommitment({ federation, round, seed });
    const event = { type: 'round-seed-committed', round, seedCommitment: commitment } as const;
    await stores.rounds.commitSeed(round, { seed, commitment }, event);
    return { seed, commitment };
  }

  async close(offered: OfferedRound, turnedAway: ReadonlyMap<ClientId, RefusalCode>): Promise<RoundRecord> {
    return await this.#foundation.turns.run(async () => {
      const { federation, terms, rule, boundsOf, adminRules, config, stores, blobs, clock, refusals } =
        this.#foundation;
      const { blobFile, arrived, optimiser } = this.#foundation;
      const { privacy } = terms;
      const { number } = offered;
      const bounds = boundsOf(number);
      const rows = await stores.updates.ofRound(number);
      const clients = await stores.enrolment.clients();
      const bytesReceived = this.#options.meter.bytesRead() - this.#bytesAtOffer;
      const { seed } = await this.#seedOf(number);
      const facts = { offered, seed, rows, turnedAway, clients, budgets: await this.#budgets(clients), bytesReceived };
      const rooms = {
        federation,
        schema: terms.tensors,
        blobs,
        blobFile,
        arrived,
        rule,
        optimiser,
        anomaly: bounds && { bounds, adminRules, historyTest: config.anomaly.history },
        central:
          privacy.mode === 'central'
            ? { terms: privacy, releases: stores.releases, random: this.#random, budgets: () => this.#budgets(clients) }
            : null,
        banSuspects: config.anomaly.banSuspects,
        rounds: stores.rounds,
        models: stores.models,
      };
      const record = await closeRound({ ...facts, closedAt: clock.now() }, rooms);
      await dropUpdatesBeyond({ last: number, ...config.retention }, { ...stores, blobs });
      await refusals.roundEnded(number);
      this.#checkpoint = await newestCheckpoint(this.#foundation);
      return record;
    });
  }

  announceRecord(record: RoundRecord): void {
    const { config, federation, log } = this.#foundation;
    const { number: round, state, baseModel, model, verdicts } = record;
    const gateway = this.#options.gateway();
    gateway.dropUploads();
    for (const { client, verdict, code } of verdicts) {
      gateway.send(client, 'verdict', { federation, round, verdict, code });
    }
    const closed = { federation, round, state, modelDigest: model ?? baseModel, checkpoint: this.#checkpoint };
    for (const client of gateway.connected) gateway.send(client, 'round-closed', closed);
    if (config.anomaly.banSuspects)
      for (const { client } of verdicts.filter(({ flags }) => flags.includes(SUSPECT))) gateway.bar(client);
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

  async #budgets(clients: readonly EnrolledClient[]): Promise<ClientBudgets> {
    const { stores, terms } = this.#foundation;
    const charges = await stores.charges.charges();
    if (terms.privacy.mode !== 'central') return clientBudgets(charges, terms, clients);
    return centralBudget(await stores.releases.releases(), terms.privacy, { charges, successions: clients });
  }
}

const organisationsOf = (clients: readonly EnrolledClient[]): ReadonlyMap<ClientId, OrganisationId> =>
  new Map(clients.map(({ id, organisation }) => [id, organisation]));
