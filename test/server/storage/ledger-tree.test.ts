import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LedgerTree } from '../../../server/storage/ledger-tree.ts';
import { PrismaClient } from '../../../server/storage/generated/client.ts';
import { connect } from '../../../server/storage/libsql-connection.ts';
import { asFederationId } from '../../../shared/ids.ts';
import { MerkleTree } from '../../../shared/ledger/merkle-tree.ts';
import { openFolder } from '../../support/data-folders.ts';
import * as facts from '../../support/federation-facts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A database of five entries of one federation, and as many of two others. */
async function stored() {
  const dir = temporaryFolder();
  const folder = await openFolder(dir);
  const stores = folder.storeOf(facts.federation);
  await facts.foundWithClients(folder.storeOf(asFederationId('before')));
  await facts.foundWithClients(stores);
  await facts.foundWithClients(folder.storeOf(asFederationId('later')));
  const connection = await connect(join(dir, 'muster.sqlite'), { readOnly: false, busyTimeoutMs: 5000 });
  const { provider, adapterName } = connection;
  const adapter = { provider, adapterName, connect: () => Promise.resolve(connection) };
  const database = new PrismaClient({ adapter });
  onTestFinished(() => database.$disconnect());
  const leaves = (await stores.ledger.rows()).map(({ hash }) => hash);
  const rootOf = (size: number): string => {
    const anew = new MerkleTree();
    for (const leaf of leaves.slice(0, size)) anew.append(leaf);
    return anew.root();
  };
  return { database, stores, rootOf, connection };
}

describe('the tree of a ledger', () => {
  it('is that of the stored entries of its own federation, up to the size asked for', async () => {
    const { database, rootOf } = await stored();
    const tree = new LedgerTree(facts.federation);
    for (const size of [0, 2, 3, 5]) {
      const over = await tree.over(size, database);
      expect([over.size, over.root()]).toEqual([size, rootOf(size)]);
    }
    expect((await tree.over(1, database)).root(1)).toBe(rootOf(1));
  });

  it('reads each entry once however many ask at the same time', async () => {
    const { database, rootOf } = await stored();
    const tree = new LedgerTree(facts.federation);
    const all = await Promise.all([5, 2, 5, 4, 5].map((size) => tree.over(size, database)));
    for (const over of all) expect([over.size, over.root()]).toEqual([5, rootOf(5)]);
  });

  it('sees what another store appends', async () => {
    const { database, stores } = await stored();
    const tree = new LedgerTree(facts.federation);
    await tree.over(5, database);
    await stores.ledger.append({ type: 'federation-amended', configDigest: facts.digest('x') });
    expect((await tree.over(6, database)).root()).toBe((await stores.ledger.newest())?.root);
  });

  it('is none where an entry is missing', async () => {
    const { database, connection } = await stored();
    await connection.executeScript(`DELETE FROM LedgerEntry WHERE sequence = 3`);
    const tree = new LedgerTree(facts.federation);
    await expect(tree.over(5, database)).rejects.toThrow('expected 5 entries, found the first 2');
    await expect(tree.over(5, database)).rejects.toThrow('expected 5 entries, found the first 2');
  });
});
