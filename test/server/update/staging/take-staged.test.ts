import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { takeStaged } from '../../../../server/update/staging/take-staged.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { canonicalOrder } from '../../../../shared/update-format/tensor-schema.ts';
import { announce, openRound, stage } from '../../../support/open-round.ts';
import { federation, memberAt, schema, updateFile } from '../../../support/small-federation.ts';

const values = [1, 2, 3, 4, 5, 6];

async function withStaged() {
  const world = await openRound({ clients: 3 });
  for (const index of [2, 0]) await stage(world, memberAt(world.cohort, index), values.with(0, index));
  await announce(world, memberAt(world.cohort, 1), updateFile([9, 9, 9, 9, 9, 9]));
  const rows = await world.stores.updates.ofRound(1);
  return { world, rows, place: { federation, schema, blobs: world.blobs } };
}

describe('what is taken for the close', () => {
  it('is what was staged, in the order of client ids however the rows come, and nothing else', async () => {
    const { world, rows, place } = await withStaged();
    const { cohort } = world.offered;
    for (const order of [rows, [...rows].reverse()]) {
      const taken = await takeStaged(order, place);
      expect(taken.map(({ client }) => client)).toEqual([cohort[0], cohort[2]]);
      expect(taken.map((update) => [...update.values])).toEqual([values.with(0, 0), values.with(0, 2)]);
      const stagedRows = rows.filter(({ state }) => state === 'staged');
      expect(taken.map(({ digest, figures }) => ({ digest, figures }))).toEqual(
        stagedRows.map(({ digest, figures }) => ({ digest, figures })),
      );
    }
  });

  it('is a fault when an acknowledged update’s bytes are gone', async () => {
    const { world, rows, place } = await withStaged();
    rmSync(world.folder.blobFile(rows[0]?.digest ?? world.initialModel.digest));
    await expect(takeStaged(rows, place)).rejects.toThrow(InvariantError);
  });

  it('is a fault when they are damaged, even into another whole file', async () => {
    const { world, rows, place } = await withStaged();
    writeFileSync(world.folder.blobFile(rows[0]?.digest ?? world.initialModel.digest), updateFile(values));
    await expect(takeStaged(rows, place)).rejects.toThrow(InvariantError);
  });

  it('is a fault when they are no model of this federation', async () => {
    const { rows, place } = await withStaged();
    const other = canonicalOrder([{ name: 'dense/kernel', shape: [6] }]);
    await expect(takeStaged(rows, { ...place, schema: other })).rejects.toThrow(/unknown|tensor/);
  });
});
