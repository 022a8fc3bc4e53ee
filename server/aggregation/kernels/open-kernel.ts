// Opens the one kernel of a coordinator: compiled once here, so that a missing or damaged kernel is an error at the
// start, and once in every worker. Workers start with the first big job, stay, and never keep the process alive idle.

import { availableParallelism } from 'node:os';
import { computeWith } from './compute.ts';
import { growingCohort } from './growing-cohort.ts';
import type { Kernel } from './kernel.ts';
import { kernelCohort } from './kernel-cohort.ts';
import { rowOf } from './rows.ts';
import type { ShardWorker } from './shard-worker.ts';
import { startThread } from './thread-worker.ts';
import { KERNEL_NAME, loadTileKernel } from './tile-kernel.ts';
import { performWith } from './work.ts';
import { WorkerPool } from './worker-pool.ts';

export interface KernelOptions {
  /** Workers at most; by default one per core, but no more than 8: memory is what they wait for then. */
  readonly threads?: number;
  /** What each thread may hold of rows in files. */
  readonly readBufferBytes?: number;
  /** Jobs of up to this many multiplications run on the calling thread; results do not depend on it. */
  readonly inlineBound?: number;
  readonly startWorker?: () => ShardWorker;
}

const MOST_THREADS = 8;
const READ_BUFFER_BYTES = 64 * 2 ** 20;
/** 1 to 3 ms of plain float64 work. */
const INLINE_BOUND = 2 ** 21;

/** @throws what `loadTileKernel` throws. */
export async function openKernel(options: KernelOptions = {}): Promise<Kernel> {
  const threads = options.threads ?? Math.min(MOST_THREADS, availableParallelism());
  const pool = new WorkerPool({
    threads,
    startWorker: options.startWorker ?? startThread,
  });
  const compute = computeWith({
    perform: performWith(await loadTileKernel()),
    pool,
    inlineBound: options.inlineBound ?? INLINE_BOUND,
    readBufferBytes: options.readBufferBytes ?? READ_BUFFER_BYTES,
  });
  return {
    name: KERNEL_NAME,
    threads,
    cohort: (rows, d) =>
      kernelCohort(compute, {
        rows: rows.map((row) => rowOf(row, d)),
        d,
        mixture: null,
      }),
    growing: (d) => growingCohort(compute, d),
    close: () => pool.close(),
  };
}
