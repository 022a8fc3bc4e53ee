// Private training over a privacy ledger that lies in a folder, as joinFederation's does.

import { resolve } from 'node:path';
import { PrivateTrainer, type PrivateTrainerOptions } from '../training/private-trainer.ts';
import { privacyLedgerFile } from './privacy-ledger-file.ts';

export interface NodePrivateTrainerOptions extends Omit<PrivateTrainerOptions, 'openPrivacyLedger'> {
  /**
   * Folder of the privacy ledger: whatever else trains on the same examples, in a federation or without one, names the
   * same, so that they share one history. Losing it is for good. Default: a history that ends with the trainer.
   */
  readonly privacyLedger?: string;
}

export class NodePrivateTrainer extends PrivateTrainer {
  constructor({ privacyLedger, ...options }: NodePrivateTrainerOptions) {
    // The same folder for the trainer's whole life, wherever the process goes.
    const folder = privacyLedger === undefined ? undefined : resolve(privacyLedger);
    super(folder === undefined ? options : { ...options, openPrivacyLedger: () => privacyLedgerFile(folder) });
  }
}
