// The ledger in the database: rows are read back as they were written, in the order of their numbers; proofs come from
// the tree over their hashes.

import { asDigest } from '../../shared/ids.ts';
import type { LedgerRow, LedgerStore, SignedHead } from '../ledger/ledger-store.ts';
import type { FederationScope } from './federation-scope.ts';
import type { LedgerCheckpoint as HeadRow, LedgerEntry as EntryRow } from './generated/client.ts';
import { parseLedgerRow } from './ledger-row.ts';
import { nothingDone, told } from './write-batch.ts';

export function prismaLedger(scope: FederationScope): LedgerStore {
  const { database, federation, tree, signer } = scope;
  const inOrder = { orderBy: { sequence: 'asc' } } as const;
  const entriesWhere = async (where: { round?: number }): ReturnType<LedgerStore['entries']> => {
    const entries = await database.ledgerEntry.findMany({ where: { federation, ...where }, ...inOrder });
    return entries.map(({ row }) => parseLedgerRow(row));
  };
  return {
    publicKey: signer.publicKey,
    append: (...events) => scope.write(() => Promise.resolve(told(undefined, events))),
    entries: () => entriesWhere({}),
    entriesOfRound: (round) => entriesWhere({ round }),
    rows: async () => (await database.ledgerEntry.findMany({ where: { federation }, ...inOrder })).map(fromEntryRow),
    async newest() {
      const head = await database.ledgerCheckpoint.findFirst({ where: { federation }, orderBy: { size: 'desc' } });
      return head === null ? undefined : fromHeadRow(head);
    },
    async headAt(size) {
      const key = { federation_size: { federation, size } };
      const head = await database.ledgerCheckpoint.findUnique({ where: key });
      return head === null ? undefined : fromHeadRow(head);
    },
    heads: async () =>
      (await database.ledgerCheckpoint.findMany({ where: { federation }, orderBy: { size: 'asc' } })).map(fromHeadRow),
    async lastOf(type, round) {
      const where = { federation, type, ...(round === undefined ? {} : { round }) };
      const entry = await database.ledgerEntry.findFirst({ where, orderBy: { sequence: 'desc' } });
      return entry === null ? undefined : fromEntryRow(entry);
    },
    root: async (size) => (await tree.over(size, database)).root(size),
    inclusionProof: async (sequence, size) => (await tree.over(size, database)).inclusionProof(sequence - 1, size),
    consistencyProof: async (from, to) => (await tree.over(to, database)).consistencyProof(from, to),
    dispute: (client, checkpoint) =>
      scope.write(async (transaction, earlier) => {
        const event = { type: 'checkpoint-disputed', client, checkpoint } as const;
        const { type } = event;
        if (earlier.some((other) => other.type === type && other.client === client)) return nothingDone(undefined);
        const written = await transaction.ledgerEntry.count({ where: { federation, type, client } });
        return written > 0 ? nothingDone(undefined) : told(undefined, [event]);
      }),
  };
}

function fromEntryRow({ sequence, row: text, hash, at, type, round, client }: EntryRow): LedgerRow {
  return { sequence, text, hash: asDigest(hash), at, type, round, client };
}

function fromHeadRow({ size, root, note }: HeadRow): SignedHead {
  return { size, root: asDigest(root), note };
}
