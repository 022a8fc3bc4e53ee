// The rounds, followed entry by entry: numbered in order, one at a time, each offered after its seed was committed to
// and ended once, from the newest model; statements, staged updates and verdicts of its own cohort, one a client. An
// entry that no state before it allows is named.

import type { ClientId, Digest } from '../../shared/ids.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import type { Envelope } from '../../shared/protocol/envelope.ts';
import { MAX_ROUNDS } from '../../shared/protocol/terms.ts';
import type { EventOf, LedgerEvent } from '../ledger/ledger-event.ts';
import { notCharged } from '../privacy/stated-rounds.ts';
import type { Impossible } from './course-of-clients.ts';

interface OpenRound {
  readonly offer: EventOf<'round-offered'>;
  readonly cohort: ReadonlySet<ClientId>;
  readonly staged: Set<ClientId>;
  readonly judged: Set<ClientId>;
}

type End = EventOf<'round-committed' | 'round-abandoned'>;

export class CourseOfRounds {
  /** The last round offered. */
  #last = 0;
  /** The last round whose seed was committed to. */
  #seeded = 0;
  #open: OpenRound | undefined;
  #newestModel: Digest | undefined;
  /** What each client announced, by round and client. */
  readonly #announced = new Map<string, Envelope>();
  /** What clients stated as spent and were charged for, likewise. */
  readonly #stated = new Set<string>();
  /** Rounds charged to everybody. */
  readonly #released = new Set<number>();
  /** By the client that took its place. */
  readonly #predecessors = new Map<ClientId, ClientId>();
  #isRestored = false;

  follow(event: LedgerEvent): Impossible | undefined {
    if (event.type === 'federation-founded') this.#newestModel = event.model;
    if (event.type === 'ledger-recovered') this.#isRestored = true;
    if (event.type === 'key-rotated') this.#predecessors.set(event.successor, event.client);
    if (event.type === 'spent-rounds-stated') return this.#state(event);
    if (event.type === 'round-seed-committed') return this.#commitSeed(event);
    if (event.type === 'round-offered') return this.#offer(event);
    if (event.type === 'update-announced') return this.#foreign(event) ?? this.#announce(event);
    if (event.type === 'equivocation') return this.#equivocate(event);
    if (event.type === 'update-staged') return this.#foreign(event) ?? this.#stage(event);
    if (event.type === 'round-charged') return this.#elsewhere(event) ?? this.#release(event);
    if (event.type === 'verdict') return this.#foreign(event) ?? once(event.client, this.#open?.judged);
    return event.type === 'round-committed' || event.type === 'round-abandoned' ? this.#end(event) : undefined;
  }

  #commitSeed({ round }: EventOf<'round-seed-committed'>): Impossible | undefined {
    const expected = `one seed of round ${this.#last + 1}, before its offer and after the round before it`;
    if (this.#open || round !== this.#last + 1 || round === this.#seeded) return { expected, found: `round ${round}` };
    this.#seeded = round;
    return undefined;
  }

  #offer(offer: EventOf<'round-offered'>): Impossible | undefined {
    const { round, baseModel } = offer;
    if (this.#open) return { expected: `the end of round ${this.#last}`, found: `an offer of round ${round}` };
    if (round !== this.#last + 1) return { expected: `round ${this.#last + 1}`, found: `round ${round}` };
    if (baseModel !== this.#newestModel) return { expected: `the newest model ${this.#newestModel}`, found: baseModel };
    this.#last = round;
    this.#open = { offer, cohort: new Set(offer.cohort), staged: new Set(), judged: new Set() };
    return undefined;
  }

  /** Of another round than the one under way, or of a client that was not offered it. */
  #foreign({ round, client }: { readonly round: number; readonly client: ClientId }): Impossible | undefined {
    const elsewhere = this.#elsewhere({ round });
    if (elsewhere) return elsewhere;
    return this.#open?.cohort.has(client) ? undefined : { expected: 'a client of the cohort', found: client };
  }

  #elsewhere({ round }: { readonly round: number }): Impossible | undefined {
    const offer = this.#open?.offer;
    if (offer?.round === round) return undefined;
    return { expected: offer ? `round ${offer.round}` : 'no round', found: `round ${round}` };
  }

  #announce({ round, client, envelope }: EventOf<'update-announced'>): Impossible | undefined {
    const key = `${round} ${client}`;
    if (this.#announced.has(key)) return { expected: `one update of ${client} in round ${round}`, found: 'two' };
    const { baseModel } = this.#open?.offer ?? {};
    if (envelope.baseModelDigest !== baseModel)
      return { expected: `an update of model ${baseModel}`, found: envelope.baseModelDigest };
    this.#announced.set(key, envelope);
    return undefined;
  }

  #release({ round }: EventOf<'round-charged'>): undefined {
    this.#released.add(round);
  }

  /** Only what a coordinator charges is written down. */
  #state({ client, rounds }: EventOf<'spent-rounds-stated'>): Impossible | undefined {
    const isCounted = (round: number): boolean => this.#released.has(round) || this.#isChargedTo(client, round);
    const complaint = notCharged(rounds, { isRestored: this.#isRestored, planned: MAX_ROUNDS, isCounted });
    for (const round of rounds) this.#stated.add(`${round} ${client}`);
    return complaint;
  }

  /** Of the keys whose place it took too. These chains end: no key is enrolled twice (course-of-clients.ts). */
  #isChargedTo(client: ClientId, round: number): boolean {
    for (let each: ClientId | undefined = client; each !== undefined; each = this.#predecessors.get(each)) {
      const key = `${round} ${each}`;
      if (isCharged(this.#announced.get(key)) || this.#stated.has(key)) return true;
    }
    return false;
  }

  #equivocate({ round, client, first, envelope }: EventOf<'equivocation'>): Impossible | undefined {
    const announced = this.#announced.get(`${round} ${client}`);
    if (announced?.updateDigest !== first)
      return { expected: `update ${announced?.updateDigest ?? 'announced'} as the first of ${client}`, found: first };
    if (canonicalJson(announced) !== canonicalJson(envelope)) return undefined;
    return { expected: `two statements of ${client}`, found: 'one, twice' };
  }

  #stage({ round, client, update }: EventOf<'update-staged'>): Impossible | undefined {
    const expected = this.#announced.get(`${round} ${client}`)?.updateDigest ?? 'a statement before it';
    if (update !== expected) return { expected, found: update };
    return once(client, this.#open?.staged);
  }

  #end(end: End): Impossible | undefined {
    const { offer, judged } = this.#open ?? {};
    if (offer?.round !== end.round)
      return { expected: offer ? `the end of round ${offer.round}` : 'a round under way', found: `round ${end.round}` };
    if (judged?.size !== offer.cohort.length)
      return { expected: `${offer.cohort.length} verdicts`, found: `${judged?.size}` };
    if (end.type === 'round-committed') {
      if (end.baseModel !== offer.baseModel) return { expected: `base ${offer.baseModel}`, found: end.baseModel };
      this.#newestModel = end.model;
    }
    this.#open = undefined;
    return undefined;
  }
}

/** Under central privacy no statement costs anything by itself. */
const isCharged = (envelope: Envelope | undefined): boolean =>
  envelope !== undefined && envelope.privacy !== null && !('noiseBy' in envelope.privacy);

function once(client: ClientId, seen: Set<ClientId> | undefined): Impossible | undefined {
  if (seen?.has(client)) return { expected: `one entry of this kind of ${client} in a round`, found: 'two' };
  seen?.add(client);
  return undefined;
}
