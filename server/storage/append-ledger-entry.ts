// Adds entries to a federation's ledger inside the transaction of the transitions they record, and signs one checkpoint
// over what is there then; each entry names the size of that checkpoint. Transactions run one after the other, so the last number read is the last one there is:
// sequences count from 1 without a gap or a repeat, and no size is signed twice.

import { canonicalJson } from '../../shared/canonical-json.ts';
import { asDigest } from '../../shared/ids.ts';
import { originOf, signCheckpoint, type TreeHead } from '../../shared/ledger/checkpoint.ts';
import { entryHash, GENESIS } from '../../shared/ledger/ledger-hash.ts';
import type { MerkleTree } from '../../shared/ledger/merkle-tree.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import type { LedgerScope } from './federation-scope.ts';
import type { LedgerEntry, Prisma } from './generated/client.ts';

/** Once in a transaction, with at least one event. */
export async function appendLedgerEntries(
  transaction: Prisma.TransactionClient,
  scope: LedgerScope,
  events: readonly LedgerEvent[],
): Promise<void> {
  const { federation } = scope;
  const last = await transaction.ledgerEntry.findFirst({
    where: { federation },
    orderBy: { sequence: 'desc' },
    select: { sequence: true, hash: true },
  });
  const size = last?.sequence ?? 0;
  const tree = await scope.tree.over(size, transaction);
  const rows = rowsOf(events, scope, last);
  await transaction.ledgerEntry.createMany({ data: [...rows] });
  await signHead(transaction, scope, headAfter(tree, rows));
}

/** The tree itself stays as it was: what the transaction adds may yet be rolled back. */
function headAfter(tree: MerkleTree, rows: readonly LedgerEntry[]): TreeHead {
  const { size } = tree;
  for (const { hash } of rows) tree.append(asDigest(hash));
  const head = { size: tree.size, root: tree.root() };
  tree.truncate(size);
  return head;
}

function rowsOf(
  events: readonly LedgerEvent[],
  { federation, clock }: LedgerScope,
  last: Pick<LedgerEntry, 'sequence' | 'hash'> | null,
): readonly LedgerEntry[] {
  const at = clock.now();
  const size = last?.sequence ?? 0;
  const head = size + events.length;
  let previous: string = last?.hash ?? GENESIS;
  return events.map((event, index) => {
    const sequence = size + 1 + index;
    const row = canonicalJson({ ...event, sequence, federation, at: at.toISOString(), previous, head });
    previous = entryHash(row);
    const columns = { type: event.type, round: roundOf(event), client: clientOf(event) };
    return { federation, sequence, at, ...columns, row, hash: previous };
  });
}

async function signHead(
  transaction: Prisma.TransactionClient,
  { federation, signer }: LedgerScope,
  head: TreeHead,
): Promise<void> {
  const note = await signCheckpoint(head, { origin: originOf(federation), ...signer });
  await transaction.ledgerCheckpoint.create({ data: { federation, ...head, note } });
}

const roundOf = (event: LedgerEvent): number | null => ('round' in event ? event.round : null);
const clientOf = (event: LedgerEvent): string | null => ('client' in event ? event.client : null);
