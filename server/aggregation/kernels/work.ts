// What a thread is asked and how it answers: the shards of shard.ts, and the gathering of single coordinates. The same
// function computes on the calling thread and in workers.

import { type GatherJob, gatherShard } from './gather.ts';
import type { RowSource } from './kernel.ts';
import { openReader, ReadBuffer } from './rows.ts';
import { runShard } from './run-shard.ts';
import type { ShardResult, ShardTask } from './shard.ts';
import type { TileKernel } from './tile-kernel.ts';

export type WorkJob = ShardTask['job'] | GatherJob;

export interface Work extends Omit<ShardTask, 'job'> {
  readonly job: WorkJob;
}

export interface WorkRequest {
  readonly rows: readonly RowSource[];
  readonly work: Work;
  /** How much of files the thread may hold in memory. */
  readonly readBufferBytes: number;
}

export type Perform = (request: WorkRequest) => ShardResult;

/** One thread's own, for one request after the other. @throws InvariantError for rows that cannot be read. */
export function performWith(kernel: TileKernel): Perform {
  const buffer = new ReadBuffer();
  return ({ rows, work: { job, ...shard }, readBufferBytes }) => {
    const reader = openReader(rows, { ...shard, bytes: readBufferBytes }, buffer);
    if (job.kind === 'gather') return gatherShard(reader, job, shard.mixture);
    return runShard(kernel, reader, { job, ...shard });
  };
}
