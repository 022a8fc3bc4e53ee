// What the sockets ask, answered by the rooms: joining, the two halves of spine 1, declining. Tells the clock of the
// rounds who has reported, and the ledger who was turned away.

import type { ClientId } from '../shared/ids.ts';
import type {
  Decline,
  LedgerProof,
  LedgerProofRequest,
  SpentRounds,
  UploadBegin,
} from '../shared/protocol/messages.ts';
import type { OfferedRound } from '../shared/protocol/round-record.ts';
import { privacyEventOf } from '../shared/protocol/privacy-claim.ts';
import { isRefused, type Refusal, type RefusalCode, type Refused, refuse } from '../shared/protocol/refusals.ts';
import { SerialQueue } from '../shared/serial-queue.ts';
import type { EnrolledClient } from './admission/enrolment-store.ts';
import { isAudience } from './admission/audience.ts';
import { admitClient, type Admitted, type JoinRequest } from './admission/join.ts';
import { type Foundation, newestCheckpoint, newestModel } from './foundation.ts';
import { proveHistory } from './ledger/prove-history.ts';
import { chargeStated, countedRounds } from './privacy/charge-stated.ts';
import type { RoundRunner } from './round/run-round.ts';
import type { Doors, WelcomeFacts } from './transport/doors.ts';
import { announceUpdate, receiveUpdate, type UpdateRooms } from './update/receive-update.ts';
import type { AnnouncedUpdate, ReceivedUpdate, RefusedUpdate, StagedUpdate } from './update/stages.ts';

/** What joining needs to know of the coordinator as a whole. */
export interface Entrance {
  /** That is listened on. */
  port(): number;
  /** A client takes part no longer. */
  onBarred(client: ClientId): void;
}

export class ClientDoors implements Doors {
  readonly #foundation: Foundation;
  readonly #runner: RoundRunner;
  readonly #rooms: UpdateRooms;
  /** Apart from the turns of staging and closing: nobody who stages waits for strangers at the door. */
  readonly #joins = new SerialQueue();
  /** Not yet answered. */
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #entrance: Entrance;

  constructor(foundation: Foundation, runner: RoundRunner, entrance: Entrance) {
    this.#foundation = foundation;
    this.#runner = runner;
    this.#entrance = entrance;
    this.#rooms = updateRooms(foundation, runner);
  }

  get federation(): Foundation['federation'] {
    return this.#foundation.federation;
  }

  get ledgerKey(): string {
    return this.#foundation.stores.ledger.publicKey;
  }

  async join(request: JoinRequest): Promise<Admitted | Refused> {
    const { stores, config, publicUrl } = this.#foundation;
    const place = {
      federation: this.federation,
      enrolment: stores.enrolment,
      admission: config.admission,
      isAudience: (origin: string) => isAudience(origin, { publicUrl, port: this.#entrance.port() }),
      onBarred: this.#entrance.onBarred,
    };
    return await this.#answered(this.#joins.run(() => admitClient(request, place)));
  }

  /** Resolves when all joins, statements, updates and declines that have come so far have been answered. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #answered<T>(outcome: Promise<T>): Promise<T> {
    this.#underWay.add(outcome);
    try {
      return await outcome;
    } finally {
      this.#underWay.delete(outcome);
    }
  }

  async welcome(client: EnrolledClient): Promise<WelcomeFacts> {
    const { id, organisation } = client;
    const { terms } = this.#foundation;
    const modelDigest = await newestModel(this.#foundation);
    const { open, checkpoint } = await this.#openWithCheckpoint();
    const { isFinished: finished } = this.#runner;
    const underWay = open && { ...this.#runner.offerOf(open), checkpoint };
    const offer = underWay && open.cohort.includes(id) ? underWay : null;
    const comeBackInMs = underWay && !offer ? underWay.deadlineMs : null;
    const charges = { chargedRounds: await this.#chargedRounds(id), ...(await this.#countedRounds(client, open)) };
    return { client: id, organisation, terms, modelDigest, checkpoint, comeBackInMs, ...charges, offer, finished };
  }

  /** Of this client itself: its predecessor's stand in the folder that both keys had. */
  async #chargedRounds(client: ClientId): Promise<number[]> {
    return (await this.#foundation.stores.charges.charges(client)).map(({ round }) => round);
  }

  /** What is under way will be charged by its update or by its release, or be stated later. */
  async #countedRounds(
    client: EnrolledClient,
    open: OfferedRound | undefined,
  ): Promise<Pick<WelcomeFacts, 'countedRounds'>> {
    const counted = await countedRounds(client, this.#foundation.stores);
    if (!counted) return {};
    return { countedRounds: [...(open ? new Set(counted).add(open.number) : counted)] };
  }

  /**
   * The round is asked for last, since one offered meanwhile was sent to the socket that the client had before; and the
   * checkpoint is one from after its offer, so that the commit of its base model is in it.
   */
  async #openWithCheckpoint(): Promise<{ readonly open: OfferedRound | undefined; readonly checkpoint: string }> {
    for (;;) {
      const { open } = this.#runner;
      const checkpoint = await newestCheckpoint(this.#foundation);
      if (this.#runner.open === open) return { open, checkpoint };
    }
  }

  async announce(
    begin: UploadBegin,
    client: EnrolledClient | undefined,
  ): Promise<AnnouncedUpdate | StagedUpdate | Refused> {
    return await this.#answered(this.#announce(begin, client));
  }

  async #announce(
    begin: UploadBegin,
    client: EnrolledClient | undefined,
  ): Promise<AnnouncedUpdate | StagedUpdate | Refused> {
    const { turns, federation } = this.#foundation;
    const outcome = await turns.share(client?.id ?? '', () =>
      announceUpdate({ federation, client, begin, round: this.#runner.open }, this.#rooms),
    );
    if (isRefused(outcome)) await this.#notAnnounced(outcome.refusal, begin, client);
    return outcome;
  }

  async #notAnnounced(refusal: Refusal, begin: UploadBegin, client: EnrolledClient | undefined): Promise<void> {
    const { code } = refusal;
    // Nobody is held to what they have not signed.
    if (!client || code === 'bad-signature') return await this.turnedAway(refusal, null);
    // A second statement takes nothing away from the first, which may be staged or on its way.
    if (code === 'equivocation') return await this.#equivocated(begin, client);
    await this.turnedAway(refusal, client.id);
    this.#gaveUp(client.id, begin.round, code);
  }

  async #equivocated({ round, envelope, signature }: UploadBegin, client: EnrolledClient): Promise<void> {
    const { stores, refusals } = this.#foundation;
    const first = await stores.updates.find({ round, client: client.id });
    if (first) await refusals.recordEquivocation(first.digest, { envelope, signature });
  }

  async receive(received: ReceivedUpdate): Promise<StagedUpdate | Refused> {
    return await this.#answered(this.#receive(received));
  }

  async #receive(received: ReceivedUpdate): Promise<StagedUpdate | Refused> {
    const { client, envelope } = received.announced;
    const outcome = await receiveUpdate(received, this.#rooms);
    if (!isRefused(outcome)) {
      this.#runner.reported(client.id, envelope.round, 'staged');
      return outcome;
    }
    await this.#foundation.turns.share(client.id, () => this.#recordRefused(received.announced, outcome));
    this.#runner.reported(client.id, envelope.round, 'refused');
    return { kind: 'refused', refusal: outcome.refusal };
  }

  async stateSpent(spent: SpentRounds, client: EnrolledClient): Promise<Refused | undefined> {
    const { turns, stores, terms, log } = this.#foundation;
    // Alone: what counts is read over all keys that this one has taken the place of.
    const charging = turns.run(() => chargeStated(spent, client, { ...stores, terms }));
    const charged = await this.#answered(charging);
    if (isRefused(charged)) {
      // Nobody is held to what they have not signed.
      await this.turnedAway(charged.refusal, charged.refusal.code === 'bad-signature' ? null : client.id);
      return charged;
    }
    const { length } = charged.rounds;
    if (length > 0) log(`client ${client.id} has spent ${length} rounds that were not charged here: they are now`);
    return undefined;
  }

  async decline(decline: Decline, client: EnrolledClient | undefined): Promise<Refused | undefined> {
    const { turns } = this.#foundation;
    return await this.#answered(turns.share(client?.id ?? '', () => this.#decline(decline, client)));
  }

  async #decline(
    { federation, round, code }: Decline,
    client: EnrolledClient | undefined,
  ): Promise<Refused | undefined> {
    const { open } = this.#runner;
    if (federation !== this.federation) return refuse('wrong-federation', { found: federation });
    if (!client) return refuse('not-enrolled');
    if (open?.number !== round) return refuse('round-closed', { found: `round ${round}` });
    if (!open.cohort.includes(client.id)) return refuse('not-in-cohort');
    // Said once: whoever repeats it must not be able to fill the ledger.
    if (!this.#runner.awaits(client.id)) return undefined;
    await this.#foundation.stores.ledger.append({ type: 'declined', round, client: client.id, code });
    this.#runner.turnAway(client.id, round, code);
    return undefined;
  }

  async turnedAway(refusal: Refusal, client: ClientId | null): Promise<void> {
    await this.#foundation.refusals.record(refusal, { round: this.#runner.open?.number ?? null, client });
  }

  async proveHistory(request: LedgerProofRequest, client: ClientId): Promise<LedgerProof | Refused> {
    const { stores } = this.#foundation;
    if (request.federation !== this.federation) return refuse('wrong-federation', { found: request.federation });
    return await proveHistory(request, client, {
      federation: this.federation,
      ledger: stores.ledger,
      models: stores.models,
    });
  }

  async isActive(client: ClientId): Promise<boolean> {
    return (await this.#foundation.stores.enrolment.client(client))?.status === 'active';
  }

  populationChanged(): void {
    this.#runner.populationChanged();
  }

  /** A member of the cohort will send nothing more, or nothing that counts: the round need not wait for it. */
  #gaveUp(client: ClientId, round: number, code: RefusalCode): void {
    if (this.#runner.open?.cohort.includes(client)) this.#runner.turnAway(client, round, code);
  }

  async #recordRefused({ client, envelope }: AnnouncedUpdate, refused: Refused | RefusedUpdate): Promise<void> {
    const { round } = envelope;
    const { updates } = this.#foundation.stores;
    const row = await updates.find({ round, client: client.id });
    // What is staged stays so whatever the same client sends after it, and a first refusal is the verdict's: those that
    // follow are only counted beyond a limit, as everybody's are.
    if (this.#runner.open?.number !== round || row?.state !== 'announced')
      return await this.turnedAway(refused.refusal, client.id);
    const figures = 'figures' in refused ? refused.figures : null;
    const { code } = refused.refusal;
    const event = { type: 'refused', round, client: client.id, code } as const;
    await updates.refuse({ round, client: client.id }, { refusal: refused.refusal, figures }, event);
  }
}

function updateRooms(foundation: Foundation, runner: RoundRunner): UpdateRooms {
  const { federation, terms, schemaDigest, boundsOf, stores, blobs, clock, turns, arrived } = foundation;
  return {
    statement: {
      terms,
      schemaDigest,
      isCheckpoint: async ({ size, root }) => (await stores.ledger.headAt(size))?.root === root,
    },
    place: { federation, updates: stores.updates, charge: chargePerUpdate(terms) },
    boundsOf,
    staging: {
      updates: stores.updates,
      blobs,
      clock,
      arrived,
      isOpen: (round) => runner.open?.number === round,
      inTurn: (client, act) => turns.share(client, act),
    },
  };
}

/** Under central privacy the round is charged, not its updates. */
const chargePerUpdate = (terms: Foundation['terms']): ReturnType<typeof privacyEventOf> =>
  terms.privacy.mode === 'central' ? null : privacyEventOf(terms);
