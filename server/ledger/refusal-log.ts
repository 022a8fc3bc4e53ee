// Refusals onto the ledger, within a limit: whoever knocks a thousand times must not be able to fill the record. Beyond
// the limits of a round refusals are only counted, and the count is written when the round ends.

import type { ClientId } from '../../shared/ids.ts';
import type { Refusal } from '../../shared/protocol/refusals.ts';
import type { LedgerStore } from './ledger-event.ts';

/** Of those who proved to be nobody, in one round. */
const UNAUTHENTICATED_A_ROUND = 100;
const PER_CLIENT_A_ROUND = 20;

export class RefusalLog {
  readonly #ledger: LedgerStore;
  readonly #written = new Map<ClientId | null, number>();
  #beyond = 0;

  constructor(ledger: LedgerStore) {
    this.#ledger = ledger;
  }

  async record(
    refusal: Refusal,
    at: { readonly round: number | null; readonly client: ClientId | null },
  ): Promise<void> {
    const written = this.#written.get(at.client) ?? 0;
    if (written >= (at.client === null ? UNAUTHENTICATED_A_ROUND : PER_CLIENT_A_ROUND)) {
      this.#beyond += 1;
      return;
    }
    this.#written.set(at.client, written + 1);
    const { code, expected, found } = refusal;
    await this.#ledger.append({ type: 'refused', ...at, code, expected, found });
  }

  /** Starts counting afresh; what was only counted is written as one entry. */
  async roundEnded(round: number): Promise<void> {
    const beyond = this.#beyond;
    this.#beyond = 0;
    this.#written.clear();
    if (beyond > 0) await this.#ledger.append({ type: 'refusals-only-counted', round, beyond });
  }
}
