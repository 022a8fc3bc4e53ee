// The client's own privacy ledger, its authority on what has been spent. It is of the examples, not of a federation: all
// rounds on one data set compose, whichever federation and which of its owner's clients asked (same-examples.ts). A round
// is reserved before training and spent, as a whole, before its first byte leaves; a spent round stays spent whatever
// becomes of the update. A reservation that never sent anything costs nothing; another client's counts while it stands,
// since that client may be about to spend it. Fits without a federation (fit-ledger.ts) count with the rounds; they are no
// client's, so that nothing here changes them.
// Two units: an epsilon of one example composes every round on its data set; one of the whole client composes the rounds
// whose noise covers that, those under central privacy, since noise for one example says nothing of the others.

import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import type { FederationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { isVoid } from '../../shared/protocol/privacy-claim.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { PrivacyTerms } from '../../shared/protocol/terms.ts';
import type { PrivacyLedgerEntry, PrivacyLedgerStore, RoundEntry } from '../participation/client-store.ts';
import { historyOfOneExample, isOfClient } from './same-examples.ts';

export interface RoundKey {
  readonly federation: FederationId;
  readonly round: number;
}

/** What one round costs. */
export interface RoundCost {
  readonly event: SampledGaussianEvent;
  /** Of the event. */
  readonly unit: PrivacyUnit;
}

export type PrivacyUnit = 'example' | 'client';

export interface PrivacyLimit {
  readonly maxEpsilon: number;
  readonly delta: number;
}

export interface Reserved {
  readonly kind: 'reserved';
}

/** Who trains, and on what; null: not said. */
export type LedgerSubject = Pick<RoundEntry, 'client' | 'dataset' | 'examples'>;

export class PrivacyLedger {
  readonly #store: PrivacyLedgerStore;
  readonly #subject: LedgerSubject;
  /** As last read: another client may have written since. */
  #entries: readonly PrivacyLedgerEntry[];

  private constructor(store: PrivacyLedgerStore, subject: LedgerSubject, entries: readonly PrivacyLedgerEntry[]) {
    this.#store = store;
    this.#subject = subject;
    this.#entries = entries;
  }

  static async open(
    store: PrivacyLedgerStore,
    subject: LedgerSubject = { client: null, dataset: null, examples: null },
  ): Promise<PrivacyLedger> {
    return new PrivacyLedger(store, subject, await store.privacyLedger());
  }

  /** Of the terms' unit, at their delta; null where they declare no privacy or void it. */
  epsilonUnder(privacy: PrivacyTerms): number | null {
    if (privacy.mode === 'none' || isVoid(privacy)) return null;
    return this.epsilonSpent(privacy.delta, privacy.unit);
  }

  /** Over the whole history of the examples, or of the client, what is spent only. */
  epsilonSpent(delta: number, unit: PrivacyUnit): number {
    return epsilonOf(this.#composing(this.#entries.filter(isSpent), unit), delta);
  }

  /** This client's own, ascending. */
  spentRounds(federation: FederationId): readonly number[] {
    const ours = this.#entries.filter((entry) => this.#isOurs(entry));
    const spent = ours.filter((entry) => isSpent(entry) && entry.federation === federation);
    return [...new Set(spent.map(({ round }) => round))].sort((a, b) => a - b);
  }

  /** Whether this round was reserved or spent here: an update that is paid for otherwise must not be sent. */
  holds(key: RoundKey): boolean {
    return this.#find(key) !== undefined;
  }

  /** Refuses budget-exhausted before anything is trained, and replayed for a round that has been sent once already. */
  async reserve(key: RoundKey, { event, unit }: RoundCost, limit: PrivacyLimit): Promise<Reserved | Refused> {
    return await this.#exclusively(async () => {
      if (this.#find(key)?.state === 'spent') return refuse('replayed', { found: `round ${key.round}, sent before` });
      // Only one round is under way at a time: our other reservations never sent anything.
      const kept = this.#entries.filter((entry) => isSpent(entry) || !this.#isOurs(entry));
      const entry = { ...this.#subject, ...key, ...event, ...marked(unit), state: 'reserved' as const };
      const epsilonAfter = epsilonOf(this.#composing([...kept, entry], unit), limit.delta);
      if (epsilonAfter > limit.maxEpsilon) return exhausted(limit.maxEpsilon, epsilonAfter);
      await this.#write([...kept, entry]);
      return { kind: 'reserved' };
    });
  }

  /**
   * Durable before it resolves: only then may a byte leave. Spending twice is spending once.
   * @throws InvariantError where nothing was reserved.
   */
  async spend(key: RoundKey): Promise<void> {
    await this.#exclusively(async () => {
      const entry = this.#find(key);
      if (!entry) throw new InvariantError(`expected a reservation of round ${key.round}, found none`);
      if (isSpent(entry)) return;
      await this.#write([...this.#entries.filter((each) => each !== entry), { ...entry, state: 'spent' }]);
    });
  }

  /** Of a client that will send nothing more, as its key is given up: what it has reserved is free. */
  async release(): Promise<void> {
    await this.#exclusively(async () => {
      const kept = this.#entries.filter((entry) => isSpent(entry) || !this.#isOurs(entry));
      if (kept.length < this.#entries.length) await this.#write(kept);
    });
  }

  /**
   * Rounds that the coordinator has charged to this client and that are not spent here, as after a backup of the folder
   * was restored, are spent from now on: the larger of both sides counts. Says how many they were.
   */
  async takeOver(federation: FederationId, rounds: readonly number[], { event, unit }: RoundCost): Promise<number> {
    const missing = (): number[] => rounds.filter((round) => this.#find({ federation, round })?.state !== 'spent');
    if (missing().length === 0) return 0;
    return await this.#exclusively(async () => {
      const lost = new Set(missing());
      const kept = this.#entries.filter(
        (entry) => isSpent(entry) || !this.#isOurs(entry) || entry.federation !== federation || !lost.has(entry.round),
      );
      const found = [...lost].map((round) => ({
        ...this.#subject,
        federation,
        round,
        ...event,
        ...marked(unit),
        state: 'spent' as const,
      }));
      await this.#write([...kept, ...found]);
      return lost.size;
    });
  }

  #find({ federation, round }: RoundKey): RoundEntry | undefined {
    const ours = this.#entries.filter((entry) => this.#isOurs(entry));
    return ours.find((entry) => entry.federation === federation && entry.round === round);
  }

  #isOurs(entry: PrivacyLedgerEntry): entry is RoundEntry {
    return 'client' in entry && (entry.client === null || entry.client === this.#subject.client);
  }

  /** Of a whole client on whatever examples; of one example whatever may have been about it. */
  #composing(entries: readonly PrivacyLedgerEntry[], unit: PrivacyUnit): readonly SampledGaussianEvent[] {
    if (unit === 'client') return entries.filter(isOfClient);
    return historyOfOneExample(entries, this.#subject);
  }

  async #exclusively<T>(act: () => Promise<T>): Promise<T> {
    return await this.#store.withPrivacyLedger(async () => {
      this.#entries = await this.#store.privacyLedger();
      return await act();
    });
  }

  async #write(entries: readonly PrivacyLedgerEntry[]): Promise<void> {
    await this.#store.writePrivacyLedger(entries);
    this.#entries = entries;
  }
}

export const isSpent = ({ state }: PrivacyLedgerEntry): boolean => state === 'spent';

function exhausted(maxEpsilon: number, epsilonAfter: number): Refused {
  const [expected, found] = [maxEpsilon, epsilonAfter].map((epsilon) => `epsilon ${epsilon.toFixed(3)}`);
  return refuse('budget-exhausted', { expected: `at most ${expected}`, found: `${found} after this round` });
}

const marked = (unit: PrivacyUnit): Pick<RoundEntry, 'unit'> => (unit === 'client' ? { unit } : {});
