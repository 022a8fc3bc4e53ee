// Refusals onto the ledger, within limits: whoever knocks a thousand times must not be able to fill the record. What
// nobody proved to have done is only counted; what an enrolled client did is written down one by one up to a limit a
// round and counted beyond it. Counts are written when the round ends, or after a minute where none does.

import type { ClientId } from '../../shared/ids.ts';
import type { Clock } from '../../shared/ports.ts';
import type { Envelope } from '../../shared/protocol/envelope.ts';
import type { Refusal } from '../../shared/protocol/refusals.ts';
import type { LedgerEvent } from './ledger-event.ts';
import type { LedgerStore } from './ledger-store.ts';

const PER_CLIENT_A_ROUND = 20;
const SUMMARY_DELAY_MS = 60_000;

type Counts = Record<string, number>;

export interface RefusalLogOptions {
  readonly ledger: Pick<LedgerStore, 'append'>;
  readonly clock: Clock;
  /** A summary that no round's end asked for could not be written. */
  readonly onFault: (fault: unknown) => void;
}

export class RefusalLog {
  readonly #options: RefusalLogOptions;
  readonly #written = new Map<ClientId, number>();
  readonly #equivocated = new Set<ClientId>();
  #counted = new Map<ClientId | null, Counts>();
  #cancelSummary: (() => void) | undefined;

  constructor(options: RefusalLogOptions) {
    this.#options = options;
  }

  async record(
    refusal: Refusal,
    at: { readonly round: number | null; readonly client: ClientId | null },
  ): Promise<void> {
    const { round, client } = at;
    const written = client === null ? Infinity : (this.#written.get(client) ?? 0);
    if (client === null || written >= PER_CLIENT_A_ROUND) return this.#count(client, refusal.code);
    this.#written.set(client, written + 1);
    await this.#options.ledger.append({ type: 'refused', round, client, code: refusal.code });
  }

  /** Both statements, once a client and round: a third proves nothing more. */
  async recordEquivocation(
    first: Extract<LedgerEvent, { type: 'equivocation' }>['first'],
    second: { readonly envelope: Envelope; readonly signature: string },
  ): Promise<void> {
    const { client, round } = second.envelope;
    if (this.#equivocated.has(client)) return this.#count(client, 'equivocation');
    this.#equivocated.add(client);
    await this.#options.ledger.append({ type: 'equivocation', round, client, first, ...second });
  }

  /** Starts counting afresh; what was only counted is written, an entry a client and one for all strangers. */
  async roundEnded(round: number): Promise<void> {
    this.#written.clear();
    this.#equivocated.clear();
    await this.summarise(round);
  }

  async summarise(round: number | null): Promise<void> {
    this.#cancelSummary?.();
    this.#cancelSummary = undefined;
    const counted = [...this.#counted];
    this.#counted = new Map();
    const events = counted.map(([client, counts]) => ({ type: 'refusals-counted', round, client, counts }) as const);
    if (events.length > 0) await this.#options.ledger.append(...events);
  }

  #count(client: ClientId | null, code: string): void {
    const counts = this.#counted.get(client) ?? {};
    this.#counted.set(client, { ...counts, [code]: (counts[code] ?? 0) + 1 });
    const { clock, onFault } = this.#options;
    this.#cancelSummary ??= clock.after(SUMMARY_DELAY_MS, () => void this.summarise(null).catch(onFault));
  }
}
