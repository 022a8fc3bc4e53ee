// What the sockets ask, answered by the rooms: joining, the two halves of spine 1, declining. Tells the clock of the
// rounds who has reported, and the ledger who was turned away.

import type { ClientId } from '../shared/ids.ts';
import type { Decline, UploadBegin } from '../shared/protocol/messages.ts';
import { privacyEventOf } from '../shared/protocol/privacy-claim.ts';
import { isRefused, type Refusal, type RefusalCode, type Refused, refuse } from '../shared/protocol/refusals.ts';
import { SerialQueue } from '../shared/serial-queue.ts';
import type { EnrolledClient } from './admission/enrolment-store.ts';
import { admitClient, type Admitted, type JoinRequest } from './admission/join.ts';
import { type Foundation, newestModel } from './foundation.ts';
import type { RoundRunner } from './round/run-round.ts';
import type { Doors, WelcomeFacts } from './transport/doors.ts';
import { announceUpdate, receiveUpdate, type UpdateRooms } from './update/receive-update.ts';
import type { AnnouncedUpdate, ReceivedUpdate, RefusedUpdate, StagedUpdate } from './update/stages.ts';

export class ClientDoors implements Doors {
  readonly #foundation: Foundation;
  readonly #runner: RoundRunner;
  readonly #rooms: UpdateRooms;
  /** Apart from the turns of staging and closing: nobody who stages waits for strangers at the door. */
  readonly #joins = new SerialQueue();

  constructor(foundation: Foundation, runner: RoundRunner) {
    this.#foundation = foundation;
    this.#runner = runner;
    this.#rooms = updateRooms(foundation, runner);
  }

  get federation(): Foundation['federation'] {
    return this.#foundation.federation;
  }

  async join(request: JoinRequest): Promise<Admitted | Refused> {
    const { enrolment } = this.#foundation.stores;
    return await this.#joins.run(() => admitClient(request, this.federation, enrolment));
  }

  /** Resolves when every join asked for so far has been answered. */
  async joinsUnderWay(): Promise<void> {
    await this.#joins.run(() => Promise.resolve());
  }

  async welcome({ id, organisation }: EnrolledClient): Promise<WelcomeFacts> {
    const { terms } = this.#foundation;
    const modelDigest = await newestModel(this.#foundation);
    // Asked last: a round offered meanwhile was sent to the socket that the client had before.
    const { open, isFinished: finished } = this.#runner;
    const offer = open?.cohort.includes(id) ? this.#runner.offerOf(open) : null;
    return { client: id, organisation, terms, modelDigest, offer, finished };
  }

  async announce(
    begin: UploadBegin,
    client: EnrolledClient | undefined,
  ): Promise<AnnouncedUpdate | StagedUpdate | Refused> {
    const { turns, federation } = this.#foundation;
    const outcome = await turns.run(() =>
      announceUpdate({ federation, client, begin, round: this.#runner.open }, this.#rooms),
    );
    if (!isRefused(outcome)) return outcome;
    await this.turnedAway(outcome.refusal, client?.id ?? null);
    const { code } = outcome.refusal;
    // A second statement takes nothing away from the first, which may be staged or on its way.
    if (client && code !== 'equivocation') this.#gaveUp(client.id, begin.round, code);
    return outcome;
  }

  async receive(received: ReceivedUpdate): Promise<StagedUpdate | Refused> {
    const { client, envelope } = received.announced;
    const outcome = await receiveUpdate(received, this.#rooms);
    if (!isRefused(outcome)) {
      this.#runner.reported(client.id, envelope.round, 'staged');
      return outcome;
    }
    await this.#foundation.turns.run(() => this.#recordRefused(received.announced, outcome));
    this.#runner.reported(client.id, envelope.round, 'refused');
    return { kind: 'refused', refusal: outcome.refusal };
  }

  async decline(decline: Decline, client: EnrolledClient | undefined): Promise<Refused | undefined> {
    return await this.#foundation.turns.run(() => this.#decline(decline, client));
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
    const { code, expected, found } = refused.refusal;
    const event = { type: 'refused', round, client: client.id, code, expected, found } as const;
    await updates.refuse({ round, client: client.id }, { refusal: refused.refusal, figures }, event);
  }
}

function updateRooms(foundation: Foundation, runner: RoundRunner): UpdateRooms {
  const { federation, terms, schemaDigest, bounds, stores, blobs, clock, turns } = foundation;
  return {
    statement: { terms, schemaDigest },
    place: { federation, updates: stores.updates, charge: privacyEventOf(terms) },
    bounds,
    staging: {
      updates: stores.updates,
      blobs,
      clock,
      isOpen: (round) => runner.open?.number === round,
      inTurn: (act) => turns.run(act),
    },
  };
}
