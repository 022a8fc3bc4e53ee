// A privacy ledger that ends with the process: for training whose history nobody else has to know.

import { SerialQueue } from '../../shared/serial-queue.ts';
import type { PrivacyLedgerEntry, PrivacyLedgerStore } from '../participation/client-store.ts';

export function memoryPrivacyLedger(): PrivacyLedgerStore {
  const queue = new SerialQueue();
  let kept: readonly PrivacyLedgerEntry[] = [];
  return {
    privacyLedger: () => Promise.resolve(kept),
    async writePrivacyLedger(entries) {
      kept = entries;
      await Promise.resolve();
    },
    withPrivacyLedger: (act) => queue.run(act),
  };
}
