// The client's own privacy ledger, its authority on what has been spent: everything in its folder composes, whichever
// federation asked. A round is reserved before training and spent, as a whole, before its first byte leaves; a spent
// round stays spent whatever becomes of the update. A reservation that never sent anything costs nothing.
// Two units: an epsilon of one example composes every round; one of the whole client composes the rounds whose noise
// covers that, those under central privacy, since noise for one example says nothing of the others.

import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import type { FederationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { PrivacyTerms } from '../../shared/protocol/terms.ts';
import type { ClientStore, PrivacyLedgerEntry } from '../participation/client-store.ts';

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

type LedgerStore = Pick<ClientStore, 'privacyLedger' | 'writePrivacyLedger'>;

export class PrivacyLedger {
  readonly #store: LedgerStore;
  #entries: readonly PrivacyLedgerEntry[];

  private constructor(store: LedgerStore, entries: readonly PrivacyLedgerEntry[]) {
    this.#store = store;
    this.#entries = entries;
  }

  static async open(store: LedgerStore): Promise<PrivacyLedger> {
    return new PrivacyLedger(store, await store.privacyLedger());
  }

  /** Of the terms' unit, at their delta; null where they declare no privacy or void it. */
  epsilonUnder(privacy: PrivacyTerms): number | null {
    if (privacy.mode === 'none' || (privacy.mode === 'local' && privacy.void)) return null;
    return this.epsilonSpent(privacy.delta, privacy.unit);
  }

  /** Over the whole history, what is spent only. */
  epsilonSpent(delta: number, unit: PrivacyUnit): number {
    const spent = this.#entries.filter((entry) => entry.state === 'spent');
    return epsilonOf(composed(spent, unit), delta);
  }

  /** Whether this round was reserved or spent here: an update that is paid for otherwise must not be sent. */
  holds(key: RoundKey): boolean {
    return this.#find(key) !== undefined;
  }

  /** Refuses budget-exhausted before anything is trained, and replayed for a round that has been sent once already. */
  async reserve(key: RoundKey, { event, unit }: RoundCost, limit: PrivacyLimit): Promise<Reserved | Refused> {
    if (this.#find(key)?.state === 'spent') return refuse('replayed', { found: `round ${key.round}, sent before` });
    const spent = this.#entries.filter((entry) => entry.state === 'spent');
    const entry = { ...key, ...event, ...(unit === 'client' ? { unit } : {}), state: 'reserved' as const };
    const epsilonAfter = epsilonOf(composed([...spent, entry], unit), limit.delta);
    if (epsilonAfter > limit.maxEpsilon) {
      const [expected, found] = [limit.maxEpsilon, epsilonAfter].map((epsilon) => `epsilon ${epsilon.toFixed(3)}`);
      return refuse('budget-exhausted', { expected: `at most ${expected}`, found: `${found} after this round` });
    }
    // Only one round is under way at a time: reservations of others never sent anything.
    await this.#write([...spent, entry]);
    return { kind: 'reserved' };
  }

  /**
   * Durable before it resolves: only then may a byte leave. Spending twice is spending once.
   * @throws InvariantError where nothing was reserved.
   */
  async spend(key: RoundKey): Promise<void> {
    const entry = this.#find(key);
    if (!entry) throw new InvariantError(`expected a reservation of round ${key.round}, found none`);
    if (entry.state === 'spent') return;
    await this.#write([...this.#entries.filter((each) => each !== entry), { ...entry, state: 'spent' }]);
  }

  #find({ federation, round }: RoundKey): PrivacyLedgerEntry | undefined {
    return this.#entries.find((entry) => entry.federation === federation && entry.round === round);
  }

  async #write(entries: readonly PrivacyLedgerEntry[]): Promise<void> {
    await this.#store.writePrivacyLedger(entries);
    this.#entries = entries;
  }
}

/**
 * As one of `unit` sees it. Noise for a whole client, scaled to an update that comes or goes, is worth half to one example
 * of it: that replaces the update by another, which moves a clipped sum by twice as much.
 */
const composed = (entries: readonly PrivacyLedgerEntry[], unit: PrivacyUnit): readonly SampledGaussianEvent[] =>
  unit === 'client'
    ? entries.filter((entry) => entry.unit === 'client')
    : entries.map((entry) =>
        entry.unit === 'client' ? { ...entry, noiseMultiplier: entry.noiseMultiplier / 2 } : entry,
      );
