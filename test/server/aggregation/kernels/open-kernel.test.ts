// The kernel with its threads: small jobs are forced through workers, so that everything is quick and nothing is inline.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type * as OperatingSystem from 'node:os';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Kernel } from '../../../../server/aggregation/kernels/kernel.ts';
import { type KernelOptions, openKernel } from '../../../../server/aggregation/kernels/open-kernel.ts';
import type { ShardWorker } from '../../../../server/aggregation/kernels/shard-worker.ts';
import { overThread, startThread } from '../../../../server/aggregation/kernels/thread-worker.ts';
import type { WorkRequest } from '../../../../server/aggregation/kernels/work.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { seededRandomSource, uniformInteger } from '../../../../shared/random-source.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { digestOfFigures, rowsInFiles, seededMixture, seededRows } from './kernel-world.ts';

vi.mock('node:os', async (original) => {
  const os = await original<typeof OperatingSystem>();
  return { ...os, availableParallelism: vi.fn(os.availableParallelism) };
});

const [N, D] = [7, 5000];
const rows = seededRows(N, D, 'threads');
const median = { kind: 'median' } as const;

async function opened(options: KernelOptions): Promise<Kernel> {
  const kernel = await openKernel({ inlineBound: 0, ...options });
  onTestFinished(() => kernel.close());
  return kernel;
}

/** Threads take long to start: one test after the other borrows these. */
const threads = [1, 2, 3, 4].map(startThread);
afterAll(() => Promise.all(threads.map((thread) => thread.end())));

function borrowing(): () => ShardWorker {
  let borrowed = 0;
  return () => {
    const thread = threads[borrowed++];
    if (!thread) throw new Error('all threads are borrowed');
    return { run: thread.run, end: () => Promise.resolve() };
  };
}

/** Ends its thread in the middle of the first piece of work. */
const crashing = (code: string): ShardWorker =>
  overThread(new Worker(`require('node:worker_threads').parentPort.on('message', () => { ${code} })`, { eval: true }));

/** So many crash, whoever replaces them is sound. */
function crashingFirst(count: number, code: string): () => ShardWorker {
  const borrow = borrowing();
  let started = 0;
  return () => (started++ < count ? crashing(code) : borrow());
}

/** What a worker has computed waits, until another of those that wait is drawn to be handed in before it. */
function shuffling(): () => ShardWorker {
  const random = seededRandomSource(0, 'completion-order');
  const borrow = borrowing();
  const waiting: (() => void)[] = [];
  const handInOne = (): void => waiting.splice(uniformInteger(random, waiting.length), 1)[0]?.();
  return () => {
    const worker = borrow();
    return {
      ...worker,
      async run(request) {
        const result = await worker.run(request);
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length === 3) handInOne();
          else setImmediate(handInOne);
        });
        return result;
      },
    };
  };
}

describe('one digest of all figures', () => {
  it('whatever the threads, the order in which they end, and where the rows lie', async () => {
    const folder = temporaryFolder();
    const inline = await opened({ threads: 1, inlineBound: Infinity });
    const kernels = [
      await opened({ threads: 1, startWorker: borrowing() }),
      await opened({ threads: 2, startWorker: borrowing(), readBufferBytes: 4 }),
      await opened({ threads: 4, startWorker: shuffling() }),
    ];
    const mixture = seededMixture(5, N, 'threads');
    const ofRows = await digestOfFigures(inline.cohort(rows, D));
    const ofMixture = await digestOfFigures(inline.cohort(rows, D).mixed(mixture));
    for (const kernel of kernels)
      for (const sources of [rows, rowsInFiles(folder, rows, 10)]) {
        expect(await digestOfFigures(kernel.cohort(sources, D))).toBe(ofRows);
        expect(await digestOfFigures(kernel.cohort(sources, D).mixed(mixture))).toBe(ofMixture);
      }
  });
});

describe('a worker that is lost in the middle', () => {
  it.each([
    ['exits', 'process.exit(3)'],
    ['throws', 'throw new Error("trap")'],
  ])('and %s is replaced, and the figures are the same', async (_, code) => {
    const steady = await opened({ threads: 1, inlineBound: Infinity });
    const kernel = await opened({ threads: 2, startWorker: crashingFirst(2, code) });
    expect(await digestOfFigures(kernel.cohort(rows, D))).toBe(await digestOfFigures(steady.cohort(rows, D)));
  });

  it.each([
    ['process.exit(3)', 'it ended with code 3'],
    ['throw new Error("trap")', 'Error: trap'],
  ])('is a fault with its cause where all are: %s', async (code, cause) => {
    const kernel = await opened({ threads: 1, startWorker: () => crashing(code) });
    const outcome = kernel.cohort(rows, D).coordinateWise(median);
    await expect(outcome).rejects.toThrow(InvariantError);
    await expect(outcome).rejects.toThrow(/the shard of columns 0 to 1024 lost 4 workers: .*/);
    await expect(outcome).rejects.toThrow(cause);
  });
});

it('tells of a worker that was lost while it was idle', async () => {
  const thread = new Worker('', { eval: true });
  const worker = overThread(thread);
  await once(thread, 'exit');
  const work = { job: { kind: 'coordinate-wise', window: median }, mixture: null, from: 0, to: 0 } as const;
  const asked = worker.run({ rows: [], work, readBufferBytes: 0 });
  await expect(asked).rejects.toThrow('a worker was lost: it ended with code 0');
});

it('takes a fault of the kernel itself for the loss of its worker', async () => {
  const none = new Float32Array(new SharedArrayBuffer(0));
  const work = { job: { kind: 'distances', precision: 'float64' }, mixture: null, from: 0, to: 0 } as const;
  // Their pairs do not fit into the memory that WebAssembly can address.
  const request = { rows: Array.from({ length: 100_000 }, () => none), work, readBufferBytes: 0 };
  await expect(startThread().run(request)).rejects.toThrow(/^a worker was lost: RangeError/);
});

describe('files', () => {
  it('are a fault at once, and named, where they are missing or short; other jobs go on', async () => {
    const startWorker = vi.fn(borrowing());
    const kernel = await opened({ threads: 1, startWorker });
    const folder = temporaryFolder();
    const [first, ...others] = rowsInFiles(folder, rows, 0);
    const missing = kernel.cohort([{ path: `${folder}/none`, byteOffset: 0 }, ...others], D).squaredDistances();
    const short = kernel.cohort([{ path: first?.path ?? '', byteOffset: 8 }, ...others], D).squaredDistancesTo();
    const sound = kernel.cohort(rowsInFiles(folder, rows, 0), D).coordinateWise(median);
    await expect(missing).rejects.toThrow(InvariantError);
    await expect(missing).rejects.toThrow(`${folder}/none cannot be read: Error: ENOENT`);
    await expect(short).rejects.toThrow(`${first?.path} ends at byte ${4 * D}`);
    expect((await sound).values).toHaveLength(D);
    expect(startWorker).toHaveBeenCalledTimes(1);
  });
});

describe('close', () => {
  it('rejects what is under way, and whatever is asked later, small or big', async () => {
    const kernel = await opened({ threads: 1 });
    const outcome = expect(kernel.cohort(rows, D).coordinateWise(median)).rejects.toThrow(InvariantError);
    await kernel.close();
    await outcome;
    await expect(kernel.cohort(rows, D).squaredDistances()).rejects.toThrow('closed');
    const small = await opened({ threads: 1, inlineBound: Infinity });
    await small.close();
    await expect(small.cohort(rows, D).squaredDistances()).rejects.toThrow(InvariantError);
  });
});

describe('threads', () => {
  it('are one per core up to 8, unless chosen', async () => {
    const cores = vi.mocked(availableParallelism);
    cores.mockReturnValueOnce(2).mockReturnValueOnce(64);
    expect([(await opened({})).threads, (await opened({})).threads]).toEqual([2, 8]);
    expect((await opened({ threads: 3 })).threads).toBe(3);
  });

  it('are sent values on shared memory alone', async () => {
    const asked: WorkRequest[] = [];
    const startWorker = (): ShardWorker => ({
      run: (request) => (asked.push(request), Promise.reject(new InvariantError('enough'))),
      end: () => Promise.resolve(),
    });
    const kernel = await opened({ threads: 1, startWorker });
    await expect(kernel.cohort(rows, D).squaredDistances()).rejects.toThrow('enough');
    expect(asked[0]?.rows).toEqual(rows);
    expect(asked[0]?.rows.every((row) => row instanceof Float32Array && row.buffer instanceof SharedArrayBuffer)).toBe(
      true,
    );
  });

  it('are not started for small jobs', async () => {
    const startWorker = (): never => {
      throw new Error('a worker for this?');
    };
    const kernel = await openKernel({ startWorker });
    expect((await kernel.cohort(rows, D).coordinateWise(median)).values).toHaveLength(D);
  });

  it('keep a process alive while they work and not when they are idle', () => {
    const url = new URL('../../../../server/aggregation/kernels/open-kernel.ts', import.meta.url);
    const script = `
      import { Worker } from 'node:worker_threads';
      import { overThread } from ${JSON.stringify(new URL('thread-worker.ts', url).href)};
      import { openKernel } from ${JSON.stringify(url.href)};
      overThread(new Worker('setInterval(() => {}, 2 ** 30)', { eval: true }));
      const kernel = await openKernel({ threads: 1, inlineBound: 0 });
      const cohort = kernel.cohort([Float32Array.of(1), Float32Array.of(3)], 1);
      void cohort.squaredDistances().then(({ squared }) => console.log(squared.join()));
    `;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    const cwd = fileURLToPath(new URL('../../../..', import.meta.url));
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 15_000 });
    expect({ stdout, stderr, status }).toEqual({ stdout: '0,4,4,0\n', stderr: '', status: 0 });
  });
});
