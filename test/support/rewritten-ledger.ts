// What whoever holds the ledger's key can do: the same ledger with other events, chained and signed all over again.

import { canonicalJson } from '../../shared/canonical-json.ts';
import { signingKeyFromSeed } from '../../shared/ed25519.ts';
import { originOf, signCheckpoint } from '../../shared/ledger/checkpoint.ts';
import { entryHash, GENESIS } from '../../shared/ledger/ledger-hash.ts';
import { MerkleTree } from '../../shared/ledger/merkle-tree.ts';
import type { LedgerEvent } from '../../server/ledger/ledger-event.ts';
import type { StoredLedger } from '../../server/audit/ledger-export.ts';
import type { LedgerRow, SignedHead } from '../../server/ledger/ledger-store.ts';
import { parseLedgerRow } from '../../server/storage/ledger-row.ts';

export type Rewrite = (event: LedgerEvent, sequence: number) => LedgerEvent;

export interface RewrittenLedger extends StoredLedger {
  readonly tree: MerkleTree;
}

/** `seed`: the key that signs, which may be the ledger's own. Checkpoints lie where they lay. */
export async function rewriteLedger(
  { federation, rows, heads }: StoredLedger,
  seed: string,
  rewrite: Rewrite = (event) => event,
): Promise<RewrittenLedger> {
  const signer = { origin: originOf(federation), ...(await signingKeyFromSeed(seed)) };
  const tree = new MerkleTree();
  let previous = GENESIS;
  const rewritten = rows.map((row, index): LedgerRow => {
    const { event: before, at, head } = parseLedgerRow(row.text);
    const sequence = index + 1;
    const event = rewrite(before, sequence);
    const text = canonicalJson({ ...event, sequence, federation, at: at.toISOString(), previous, head });
    previous = entryHash(text);
    tree.append(previous);
    const [round, client] = ['round' in event ? event.round : null, 'client' in event ? event.client : null];
    return { sequence, text, hash: previous, at, type: event.type, round, client };
  });
  const signed = heads.map(async ({ size }): Promise<SignedHead> => {
    const head = { size, root: tree.root(size) };
    return { ...head, note: await signCheckpoint(head, signer) };
  });
  return { federation, rows: rewritten, heads: await Promise.all(signed), tree };
}
