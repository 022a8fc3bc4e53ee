// The privacy ledger as training without a federation keeps it, in the same store as the clients' rounds on the same
// examples (privacy-ledger.ts) and composed with them. A fit is spent as a whole before its first step: whatever kills it
// in between leaves all planned steps spent. Where it ends in good order with fewer steps begun, its entry is lowered to
// those: the others have released nothing. A step that was begun counts, whatever became of it, and nothing is raised.

import { randomHex } from '../../shared/bytes.ts';
import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { FitEntry, PrivacyLedgerEntry, PrivacyLedgerStore } from '../participation/client-store.ts';
import { isSpent } from './privacy-ledger.ts';
import { type DataSetIdentity, historyOfOneExample } from './same-examples.ts';

const FIT_ID_BYTES = 16;

export class FitLedger {
  readonly #open: () => Promise<PrivacyLedgerStore>;
  /** Every fit begun here: of this memory and a store that was restored from a backup the larger account counts. */
  #own: readonly FitEntry[] = [];

  constructor(open: () => Promise<PrivacyLedgerStore>) {
    this.#open = open;
  }

  /**
   * Plans a fit in the knowledge of all that was released on its examples, or is reserved and may be at any time, and
   * spends it durably before resolving. Nobody else can spend in between; where `plan` throws, nothing is spent.
   */
  async begin(
    { dataset, examples }: DataSetIdentity,
    plan: (history: readonly SampledGaussianEvent[]) => SampledGaussianEvent,
  ): Promise<FitEntry> {
    const store = await this.#open();
    return await store.withPrivacyLedger(async () => {
      const entries = this.#withOwn(await store.privacyLedger());
      const { noiseMultiplier, samplingRate, steps } = plan(historyOfOneExample(entries, { dataset, examples }));
      const released = { noiseMultiplier, samplingRate, steps, dataset, examples };
      const fit: FitEntry = { ...released, fit: randomHex(FIT_ID_BYTES), state: 'spent' };
      await store.writePrivacyLedger([...entries, fit]);
      this.#own = [...this.#own, fit];
      return fit;
    });
  }

  /**
   * Of a fit that will begin no step any more. Says all that is spent on its examples.
   * @throws InvariantError where more steps were begun than spent.
   */
  async end(fit: FitEntry, stepsBegun: number): Promise<readonly SampledGaussianEvent[]> {
    if (stepsBegun > fit.steps)
      throw new InvariantError(`expected at most the ${fit.steps} steps spent, found ${stepsBegun} begun`);
    const ended = { ...fit, steps: stepsBegun };
    this.#own = this.#own.map((each) => (isSameFit(each, fit) ? ended : each));
    const store = await this.#open();
    return await store.withPrivacyLedger(async () => {
      const written = await store.privacyLedger();
      const entries = this.#withOwn(written);
      const isWritten = written.some((entry) => isSameFit(entry, fit) && entry.steps === stepsBegun);
      if (!isWritten) await store.writePrivacyLedger(entries);
      return historyOfOneExample(entries.filter(isSpent), fit);
    });
  }

  #withOwn(entries: readonly PrivacyLedgerEntry[]): readonly PrivacyLedgerEntry[] {
    const others = entries.filter((entry) => !this.#own.some((own) => isSameFit(entry, own)));
    return [...others, ...this.#own];
  }
}

const isSameFit = (entry: PrivacyLedgerEntry, { fit }: FitEntry): boolean => 'fit' in entry && entry.fit === fit;
