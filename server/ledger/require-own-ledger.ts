// Whether the folder's ledger is its own: signed by the key that lies there, and with the root that was signed last. With
// another key, or over damaged entries, it would sign checkpoints that no client takes: better not to start.

import type { FederationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { openCheckpoint, originOf } from '../../shared/ledger/checkpoint.ts';
import { isRefused } from '../../shared/protocol/refusals.ts';
import type { LedgerStore } from './ledger-store.ts';

/** @throws InvariantError where the newest checkpoint was signed by another key, or over other entries. */
export async function requireOwnLedger(ledger: LedgerStore, federation: FederationId): Promise<void> {
  const head = await ledger.newest();
  if (!head) return;
  const opened = await openCheckpoint(head.note, { origin: originOf(federation), publicKey: ledger.publicKey });
  if (isRefused(opened))
    throw new InvariantError('the folder’s ledger-key is not the one that signed its ledger: restore it from a backup');
  if ((await ledger.root(head.size)) !== opened.root)
    throw new InvariantError('the ledger is damaged: muster ledger verify names the entry. Restore it from a backup');
}
