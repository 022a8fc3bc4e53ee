import { rmSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../../../server/aggregation/kernels/kernel.ts';
import { ArrivedUpdates } from '../../../../server/update/staging/arrived-updates.ts';
import { type StagedCohort, takeStaged } from '../../../../server/update/staging/take-staged.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { canonicalOrder } from '../../../../shared/update-format/tensor-schema.ts';
import { announce, openRound, stage } from '../../../support/open-round.ts';
import { plainKernel } from '../../../support/plain-kernel.ts';
import { memberAt, schema, updateFile } from '../../../support/small-federation.ts';

const values = [1, 2, 3, 4, 5, 6];
const parameters = values.length;
const PLENTY = 1e6;

interface Memory {
  readonly memoryBudgetBytes?: number;
  readonly kernel?: Kernel;
}

async function withStaged({ memoryBudgetBytes = PLENTY, kernel = plainKernel }: Memory = {}) {
  const world = await openRound({ clients: 3 });
  for (const index of [2, 0]) await stage(world, memberAt(world.cohort, index), values.with(0, index));
  await announce(world, memberAt(world.cohort, 1), updateFile([9, 9, 9, 9, 9, 9]));
  const rows = await world.stores.updates.ofRound(1);
  const arrived = new ArrivedUpdates({ kernel, parameters, memoryBudgetBytes });
  const place = { schema, blobs: world.blobs, blobFile: world.folder.blobFile, arrived };
  const damaged = world.folder.blobFile(rows[0]?.digest ?? world.initialModel.digest);
  return { world, rows, place, damaged, cohort: world.offered.cohort };
}

const every = Uint32Array.from(values, (_, i) => i);
async function rowsOf({ taken, cohortOf }: StagedCohort): Promise<readonly (readonly number[])[]> {
  return (await (await cohortOf(taken)).gather(every)).map((row) => [...row]);
}
const staged = [values.with(0, 0), values.with(0, 2)];

/** A kernel that tells where the rows of its cohorts lie. */
function watched() {
  const seen: string[] = [];
  const kernel: Kernel = {
    ...plainKernel,
    cohort(rows, d) {
      seen.push(...rows.map((row) => (row instanceof Float32Array ? 'memory' : 'file')));
      return plainKernel.cohort(rows, d);
    },
  };
  return { kernel, seen };
}

describe('what is taken for the close', () => {
  it('is what was staged, in the order of client ids however the rows come, and nothing else', async () => {
    const { cohort, rows, place } = await withStaged();
    for (const order of [rows, [...rows].reverse()]) {
      const found = await takeStaged({ round: 1, rows: order }, place);
      expect(found.taken.map(({ client }) => client)).toEqual([cohort[0], cohort[2]]);
      expect(await rowsOf(found)).toEqual(staged);
      const stagedRows = rows.filter(({ state }) => state === 'staged');
      expect(found.taken.map(({ digest, figures }) => ({ digest, figures }))).toEqual(
        stagedRows.map(({ digest, figures }) => ({ digest, figures })),
      );
    }
  });

  it('can be asked for some of the clients alone', async () => {
    for (const memoryBudgetBytes of [PLENTY, 1]) {
      const { rows, place } = await withStaged({ memoryBudgetBytes });
      const { taken, cohortOf } = await takeStaged({ round: 1, rows }, place);
      expect((await (await cohortOf(taken.slice(1))).gather(every)).map((row) => [...row])).toEqual(staged.slice(1));
    }
  });

  it('is one cohort for all who ask for the same clients, so that nothing is computed twice', async () => {
    for (const memoryBudgetBytes of [PLENTY, 1]) {
      const { rows, place } = await withStaged({ memoryBudgetBytes });
      const { taken, cohortOf } = await takeStaged({ round: 1, rows }, place);
      const all = await cohortOf(taken);
      expect(await cohortOf([...taken])).toBe(all);
      const some = await cohortOf(taken.slice(1));
      expect([some.n, (await cohortOf(taken)).n]).toEqual([1, 2]);
    }
  });

  it('is not read again where it arrived in memory', async () => {
    const { rows, place, damaged, cohort } = await withStaged();
    cohort.forEach((client, i) => {
      if (i !== 1) place.arrived.keep(1, client, Float32Array.from(values.with(0, i)));
    });
    rmSync(damaged);
    expect(await rowsOf(await takeStaged({ round: 1, rows }, place))).toEqual(staged);
  });

  it('is read from the blobs where it arrived in another round, or in a life of the coordinator before this', async () => {
    const { rows, place, cohort } = await withStaged();
    for (const client of cohort) place.arrived.keep(2, client, new Float32Array(parameters));
    expect(await rowsOf(await takeStaged({ round: 1, rows }, place))).toEqual(staged);
  });

  it('stays in its files beyond the memory budget, with the same values', async () => {
    const { kernel, seen } = watched();
    const { rows, place, cohort } = await withStaged({ kernel, memoryBudgetBytes: 2 * 4 * parameters - 1 });
    for (const client of cohort) place.arrived.keep(1, client, new Float32Array(parameters));
    expect(await rowsOf(await takeStaged({ round: 1, rows }, place))).toEqual(staged);
    expect(seen).toEqual(['file', 'file']);
  });

  it('is computed anew where the kernel failed while it arrived', async () => {
    const broken = { ...plainKernel.growing(parameters), add: () => Promise.reject(new Error('a thread died')) };
    let opened = 0;
    const kernel = { ...plainKernel, growing: (d: number) => (opened++ === 0 ? broken : plainKernel.growing(d)) };
    const { rows, place, cohort } = await withStaged({ kernel });
    for (const client of cohort) place.arrived.keep(1, client, Float32Array.from(values));
    await setImmediate();
    expect(await rowsOf(await takeStaged({ round: 1, rows }, place))).toEqual(staged);
  });

  it.each([PLENTY, 1])('is a fault when an acknowledged update’s bytes are gone (budget %i)', async (budget) => {
    const { rows, place, damaged } = await withStaged({ memoryBudgetBytes: budget });
    rmSync(damaged);
    await expect(takeStaged({ round: 1, rows }, place)).rejects.toThrow(InvariantError);
  });

  it.each([PLENTY, 1])('is a fault when they are damaged, even into another whole file (budget %i)', async (budget) => {
    const { rows, place, damaged } = await withStaged({ memoryBudgetBytes: budget });
    writeFileSync(damaged, updateFile(values));
    await expect(takeStaged({ round: 1, rows }, place)).rejects.toThrow(InvariantError);
  });

  it('is a fault when they are no model of this federation', async () => {
    const { rows, place } = await withStaged();
    const other = canonicalOrder([{ name: 'dense/kernel', shape: [6] }]);
    await expect(takeStaged({ round: 1, rows }, { ...place, schema: other })).rejects.toThrow(/unknown|tensor/);
  });
});
