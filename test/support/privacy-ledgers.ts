// Privacy ledgers for tests: a folder in memory, and what lies in any of them told by its kind.

import type {
  FitEntry,
  PrivacyLedgerEntry,
  PrivacyLedgerStore,
  RoundEntry,
} from '../../client-sdk/participation/client-store.ts';
import { SerialQueue } from '../../shared/serial-queue.ts';

/** What is on it survives the ledger; a write fails when told to, having written nothing. */
export class MemoryLedgerStore implements PrivacyLedgerStore {
  readonly #queue = new SerialQueue();
  entries: readonly PrivacyLedgerEntry[] = [];
  writes = 0;
  crashAtWrite = Infinity;

  async privacyLedger(): Promise<readonly PrivacyLedgerEntry[]> {
    return await Promise.resolve(this.entries);
  }

  async withPrivacyLedger<T>(act: () => Promise<T>): Promise<T> {
    return await this.#queue.run(act);
  }

  async writePrivacyLedger(entries: readonly PrivacyLedgerEntry[]): Promise<void> {
    await Promise.resolve();
    if (++this.writes >= this.crashAtWrite) throw new Error('the power went out');
    this.entries = structuredClone(entries);
  }
}

export const roundsIn = (entries: readonly PrivacyLedgerEntry[]): readonly RoundEntry[] =>
  entries.filter((entry) => 'round' in entry);

export const fitsIn = (entries: readonly PrivacyLedgerEntry[]): readonly FitEntry[] =>
  entries.filter((entry) => 'fit' in entry);
