// The pool alone, over workers that answer when the test says so.

import { describe, expect, it } from 'vitest';
import type { ShardResult } from '../../../../server/aggregation/kernels/shard.ts';
import type { ShardWorker } from '../../../../server/aggregation/kernels/shard-worker.ts';
import type { WorkRequest } from '../../../../server/aggregation/kernels/work.ts';
import { WorkerPool } from '../../../../server/aggregation/kernels/worker-pool.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { type Settlement, settlement } from '../../../../shared/settlement.ts';

interface Asked extends Settlement<ShardResult> {
  readonly from: number;
  readonly worker: number;
}

const shards = (...froms: readonly number[]): readonly WorkRequest[] =>
  froms.map((from) => ({
    rows: [],
    readBufferBytes: 0,
    work: { job: { kind: 'coordinate-wise', window: { kind: 'median' } }, mixture: null, from, to: from + 1 },
  }));

const resultOf = (from: number): ShardResult => ({
  sums: Float64Array.of(from),
  values: new Float32Array(),
  counts: new Float64Array(),
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function poolOf(threads: number) {
  const asked: Asked[] = [];
  const ended: number[] = [];
  let started = 0;
  const startWorker = (): ShardWorker => {
    const worker = started++;
    return {
      run({ work: { from } }) {
        const answer = { from, worker, ...settlement<ShardResult>() };
        asked.push(answer);
        return answer.promise;
      },
      end: async () => void ended.push(worker),
    };
  };
  const answer = (index: number): void => asked[index]?.resolve(resultOf(asked[index].from));
  const lose = (index: number): void => asked[index]?.reject(new Error('out of memory'));
  return { pool: new WorkerPool({ threads, startWorker }), asked, ended, answer, lose, started: () => started };
}

const froms = (results: readonly ShardResult[]): readonly (number | undefined)[] => results.map(({ sums }) => sums[0]);

describe('a pool of workers', () => {
  it('starts none before there is work, no more than it has shards for, and keeps them', async () => {
    const { pool, asked, answer, started } = poolOf(3);
    expect(started()).toBe(0);
    const first = pool.run(shards(1, 2));
    expect(started()).toBe(2);
    [0, 1].forEach(answer);
    await first;
    const second = pool.run(shards(3));
    expect([started(), asked.length]).toEqual([2, 3]);
    answer(2);
    await second;
  });

  it('returns results in the order of shards, whoever was quickest', async () => {
    const { pool, answer } = poolOf(4);
    const results = pool.run(shards(1, 2, 3, 4));
    [2, 0, 3, 1].forEach(answer);
    expect(froms(await results)).toEqual([1, 2, 3, 4]);
  });

  it('hands out shards in the order in which they were asked for', async () => {
    const { pool, asked, answer } = poolOf(1);
    const both = Promise.all([pool.run(shards(1, 2)), pool.run(shards(3, 4))]);
    for (let i = 0; i < 4; i++) {
      answer(i);
      await settled();
    }
    expect((await both).map(froms)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(asked.map(({ from }) => from)).toEqual([1, 2, 3, 4]);
  });

  it('answers at once where there is no work', async () => {
    expect(await poolOf(1).pool.run([])).toEqual([]);
  });

  it('replaces a worker that is lost and computes its shard again, before others', async () => {
    const { pool, asked, ended, answer, lose } = poolOf(1);
    const results = pool.run(shards(1, 2));
    lose(0);
    await settled();
    expect(ended).toEqual([0]);
    expect(asked.map(({ from, worker }) => [from, worker])).toEqual([
      [1, 0],
      [1, 1],
    ]);
    answer(1);
    await settled();
    answer(2);
    expect(froms(await results)).toEqual([1, 2]);
  });

  it('gives a shard up after three more losses, and names it and the cause', async () => {
    const { pool, asked, lose, answer } = poolOf(1);
    const results = pool.run(shards(5, 6));
    const outcome = expect(results).rejects.toThrow(
      new InvariantError('the shard of columns 5 to 6 lost 4 workers: Error: out of memory'),
    );
    for (let i = 0; i < 4; i++) {
      lose(i);
      await settled();
    }
    await outcome;
    expect(asked).toHaveLength(4);
    const next = pool.run(shards(7));
    answer(4);
    expect(froms(await next)).toEqual([7]);
  });

  it('gives up likewise where no worker can be started', async () => {
    const startWorker = (): never => {
      throw new Error('no threads left');
    };
    const results = new WorkerPool({ threads: 2, startWorker }).run(shards(1, 2));
    await expect(results).rejects.toThrow('lost 4 workers: Error: no threads left');
  });

  it('takes a fault of the work as it is: not again, nothing more of that job, and the worker stays', async () => {
    const { pool, asked, answer, started } = poolOf(1);
    const failing = pool.run(shards(1, 2));
    const other = pool.run(shards(3));
    asked[0]?.reject(new InvariantError('a file is short'));
    await expect(failing).rejects.toThrow(new InvariantError('a file is short'));
    answer(1);
    expect(froms(await other)).toEqual([3]);
    expect(asked.map(({ from }) => from)).toEqual([1, 3]);
    expect(started()).toBe(1);
  });

  it('forgets a worker that is lost after its job has failed', async () => {
    const { pool, asked, lose, started } = poolOf(2);
    const failing = pool.run(shards(1, 2));
    asked[0]?.reject(new InvariantError('a file is short'));
    await expect(failing).rejects.toThrow('a file is short');
    lose(1);
    await settled();
    expect([asked.length, started()]).toEqual([2, 2]);
  });

  it('rejects what is under way at its close, ends its workers and takes nothing more', async () => {
    const { pool, asked, ended, lose } = poolOf(1);
    const outcome = expect(pool.run(shards(1, 2))).rejects.toThrow(InvariantError);
    await pool.close();
    expect(ended).toEqual([0]);
    await outcome;
    lose(0);
    await settled();
    expect(asked).toHaveLength(1);
    await expect(pool.run(shards(3))).rejects.toThrow('closed');
    expect(asked).toHaveLength(1);
  });
});
