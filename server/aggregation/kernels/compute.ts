// Where a job is computed: small ones at once on the calling thread, the others by workers, so that the coordinator
// keeps answering while a round closes. Both run the same kernel over the same shards and yield the same bits.

import { InvariantError } from '../../../shared/invariant-error.ts';
import type { Mixture } from '../cohort.ts';
import { type ColumnRange, columnRanges } from './column-ranges.ts';
import type { Row } from './rows.ts';
import type { ShardResult } from './shard.ts';
import type { Perform, WorkJob } from './work.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface Job {
  readonly rows: readonly Row[];
  readonly d: number;
  readonly mixture: Mixture | null;
  /** What is to be done in those columns; null: nothing, there is no result for them. */
  inColumns(range: ColumnRange): WorkJob | null;
  /** Multiplications or comparisons for each column, roughly. */
  readonly perColumn: number;
}

/** Results in the order of columns. */
export type Compute = (job: Job) => Promise<readonly ShardResult[]>;

export interface ComputeOptions {
  readonly perform: Perform;
  readonly pool: WorkerPool;
  /** The most multiplications of a job on the calling thread. */
  readonly inlineBound: number;
  readonly readBufferBytes: number;
}

export function computeWith({ perform, pool, inlineBound, readBufferBytes }: ComputeOptions): Compute {
  return async (job) => {
    const { rows, mixture } = job;
    if (pool.closed) throw new InvariantError('the aggregation kernel is closed');
    const works = columnRanges(job.d).flatMap((range) => {
      const inColumns = job.inColumns(range);
      return inColumns ? [{ job: inColumns, mixture, ...range }] : [];
    });
    const inline = operations(job) <= inlineBound;
    const sources = rows.map((row) => (inline ? row.source : row.forWorkers()));
    const requests = works.map((work) => ({
      rows: sources,
      work,
      readBufferBytes,
    }));
    return inline ? requests.map(perform) : pool.run(requests);
  };
}

function operations({ rows, d, mixture, perColumn }: Job): number {
  return d * (perColumn + (mixture ? mixture.coefficients.length * rows.length : 0));
}
