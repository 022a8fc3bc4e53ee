// The Merkle tree over the committed entries, kept in memory and brought up to date from their hashes, whoever wrote
// them. What a transaction is about to add never stays in it: a rollback leaves nothing behind.

import { asDigest, type FederationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { MerkleTree } from '../../shared/ledger/merkle-tree.ts';
import type { Prisma } from './generated/client.ts';

export class LedgerTree {
  readonly #tree = new MerkleTree();
  readonly #federation: FederationId;

  constructor(federation: FederationId) {
    this.#federation = federation;
  }

  /** The tree over the first `size` entries, or more. @throws InvariantError when one of them is missing. */
  async over(size: number, database: Pick<Prisma.TransactionClient, 'ledgerEntry'>): Promise<MerkleTree> {
    if (size <= this.#tree.size) return this.#tree;
    const missing = await database.ledgerEntry.findMany({
      where: { federation: this.#federation, sequence: { gt: this.#tree.size, lte: size } },
      orderBy: { sequence: 'asc' },
      select: { sequence: true, hash: true },
    });
    for (const { sequence, hash } of missing) if (sequence === this.#tree.size + 1) this.#tree.append(asDigest(hash));
    const { size: found } = this.#tree;
    if (found < size)
      throw new InvariantError(`the ledger is damaged: expected ${size} entries, found the first ${found}`);
    return this.#tree;
  }
}
