// Two checkpoints of one ledger, as two clients hold them -> whether they show a fork, without asking any coordinator:
// one that signs two histories of the same length has told each of them another one.

import { isFederationId } from '../../shared/ids.ts';
import { openCheckpoint, originOf, type TreeHead } from '../../shared/ledger/checkpoint.ts';
import { accepted, RefusedError, refuse } from '../../shared/protocol/refusals.ts';

/** Which ledger: the federation's name and the raw Ed25519 key that signs its checkpoints, hex. */
export interface LedgerName {
  readonly federation: string;
  readonly ledgerKey: string;
}

/**
 * True for a fork: two notes of the same size with different roots. Notes of different sizes do not conflict by
 * themselves: `compareCheckpoint` has the coordinator prove that one history extends the other.
 * @throws RefusedError bad-checkpoint where a note is not signed under that key.
 */
export async function checkpointsConflict(one: string, other: string, ledger: LedgerName): Promise<boolean> {
  const [a, b] = [await headOf(one, ledger), await headOf(other, ledger)];
  return a.size === b.size && a.root !== b.root;
}

async function headOf(note: string, { federation, ledgerKey }: LedgerName): Promise<TreeHead> {
  if (!isFederationId(federation)) {
    throw new RefusedError(refuse('wrong-federation', { expected: 'a federation’s name' }).refusal);
  }
  return accepted(await openCheckpoint(note, { origin: originOf(federation), publicKey: ledgerKey }));
}
