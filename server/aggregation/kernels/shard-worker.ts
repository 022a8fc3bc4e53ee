// Port: a thread of its own that computes one piece of work at a time. thread-worker.ts keeps it over worker_threads.

import type { ShardResult } from './shard.ts';
import type { WorkRequest } from './work.ts';

export interface ShardWorker {
  /**
   * Keeps the process alive until it settles. Rejects InvariantError where the work itself cannot be done, such as for a
   * file that is missing; anything else means that the thread is lost.
   */
  run(request: WorkRequest): Promise<ShardResult>;
  end(): Promise<void>;
}

/** What a thread sends back. `fault` is the message of an InvariantError. */
export type WorkAnswer =
  { readonly kind: 'done'; readonly result: ShardResult } | { readonly kind: 'fault'; readonly message: string };
