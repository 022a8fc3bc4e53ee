import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Compute } from '../../../../server/aggregation/kernels/compute.ts';
import { growingCohort } from '../../../../server/aggregation/kernels/growing-cohort.ts';
import type { GrowingCohort, Kernel } from '../../../../server/aggregation/kernels/kernel.ts';
import { openKernel } from '../../../../server/aggregation/kernels/open-kernel.ts';
import type { ShardResult } from '../../../../server/aggregation/kernels/shard.ts';
import { seededRandomSource, shuffled } from '../../../../shared/random-source.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';

/** Just large enough for float32 tiles, and in 16 shards. */
const [N, D] = [30, 300_000];
const rows = Array.from({ length: N + 2 }, (_, i) => cheapRow(i));
const names = rows.map((_, i) => `client-${i}`);
const rowOf = (name: string): Float32Array => rows[names.indexOf(name)] ?? new Float32Array();

function cheapRow(number: number): Float32Array {
  const row = new Float32Array(D);
  for (let k = 0; k < D; k++) row[k] = ((k * (number + 7)) % 1009) / 1009;
  return row;
}

const bytesOf = ({ buffer }: Float32Array | Float64Array): Buffer => Buffer.from(new Uint8Array(buffer));

let kernel: Kernel;
beforeAll(async () => (kernel = await openKernel({ threads: 2 })));
afterAll(() => kernel.close());

async function grown(arrivals: readonly string[]): Promise<GrowingCohort> {
  const growing = kernel.growing(D);
  await Promise.all(arrivals.map((name) => growing.add(name, rowOf(name))));
  return growing;
}

describe('a growing cohort', () => {
  it('has the bits of the whole, whatever the order of arrival and whoever is left out', async () => {
    const arrivals = shuffled(seededRandomSource(0, 'growing-order', 'a'), names);
    const members = names.filter((_, i) => i !== 3 && i !== 17).reverse();
    const cohort = await (await grown(arrivals)).cohort(members);
    const found = await cohort.squaredDistances();
    const whole = kernel.cohort(members.map(rowOf), D);
    expect(found.relativeError).toBe(1e-6);
    expect(bytesOf((await whole.squaredDistances()).squared).equals(bytesOf(found.squared))).toBe(true);
    const weights = new Float64Array(N).fill(1);
    const [sum, sumOfWhole] = [
      await cohort.combine({ weights, divisor: N }),
      await whole.combine({ weights, divisor: N }),
    ];
    expect(bytesOf(sum).equals(bytesOf(sumOfWhole))).toBe(true);
  });

  it('has the bits of the whole in float64 where few rows are left', async () => {
    const growing = await grown(names.slice(0, 5));
    const members = ['client-4', 'client-0', 'client-3'];
    const found = await (await growing.cohort(members)).squaredDistances();
    expect(found).toEqual(await kernel.cohort(members.map(rowOf), D).squaredDistances());
    expect(found.relativeError).toBe(0);
  });

  it('takes a copy of what is added', async () => {
    const growing = kernel.growing(2);
    const values = Float32Array.of(1, 2);
    await growing.add('a', values);
    values.fill(7);
    const cohort = await growing.cohort(['a']);
    expect(await cohort.gather(Uint32Array.of(0, 1))).toEqual([Float32Array.of(1, 2)]);
  });

  it('knows its members from the moment that they are added', async () => {
    const growing = kernel.growing(1);
    expect(growing.has('a')).toBe(false);
    const added = growing.add('a', Float32Array.of(1));
    expect(growing.has('a')).toBe(true);
    expect(await growing.cohort(['a'])).toMatchObject({ n: 1, d: 1 });
    await added;
  });

  it('is a fault for a stranger, a second update of one client and another length', async () => {
    const growing = kernel.growing(2);
    await growing.add('a', Float32Array.of(1, 2));
    await expect(growing.cohort(['a', 'b'])).rejects.toThrow(new InvariantError('b was never added to the cohort'));
    await expect(growing.add('a', Float32Array.of(1, 2))).rejects.toThrow(InvariantError);
    await expect(growing.add('c', Float32Array.of(1))).rejects.toThrow(InvariantError);
    expect(growing.has('c')).toBe(false);
  });

  it('computes distances again that could not be computed when they were due', async () => {
    const result: ShardResult = { sums: new Float64Array(N), values: new Float32Array(), counts: new Float64Array() };
    const compute = vi.fn<Compute>(() => Promise.resolve([result]));
    const fault = new InvariantError('all workers were lost');
    compute.mockRejectedValueOnce(fault);
    const growing = growingCohort(compute, D);
    const members = names.slice(0, N);
    const outcomes = await Promise.allSettled(members.map((name) => growing.add(name, rowOf(name))));
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([{ status: 'rejected', reason: fault }]);
    expect(compute).toHaveBeenCalledTimes(N - 1);
    expect(await (await growing.cohort(members)).squaredDistances()).toMatchObject({ n: N, relativeError: 1e-6 });
    expect(compute).toHaveBeenCalledTimes(N);
    expect(compute.mock.lastCall?.[0]).toMatchObject({ rows: { length: 2 }, d: D });
  });

  it('waits for no distances that a small cohort computes anew', async () => {
    const compute = vi.fn<Compute>(() => new Promise(() => undefined));
    const growing = growingCohort(compute, 1);
    const adds = ['a', 'b'].map((name) => growing.add(name, Float32Array.of(1)));
    expect(await growing.cohort(['a', 'b'])).toMatchObject({ n: 2 });
    expect(adds).toHaveLength(2);
  });
});
