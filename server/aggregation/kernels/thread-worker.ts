// A ShardWorker over a thread of node:worker_threads. From the sources, which Node 20 cannot run in a worker by itself,
// the thread starts at kernel-worker.mjs; what was built starts at kernel-worker.js and needs nothing more.

import { Worker } from 'node:worker_threads';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { type Settlement, settlement } from '../../../shared/settlement.ts';
import type { ShardResult } from './shard.ts';
import type { ShardWorker, WorkAnswer } from './shard-worker.ts';

const ENTRY = import.meta.url.endsWith('.ts')
  ? new URL('./kernel-worker.mjs', import.meta.url)
  : new URL('./kernel-worker.js', import.meta.url);

/** Loaders that our own command line names are not the thread's: its entry brings what it needs. */
export function startThread(): ShardWorker {
  return overThread(new Worker(ENTRY, { execArgv: [] }));
}

/** Idle, the thread does not keep the process alive. */
export function overThread(thread: Worker): ShardWorker {
  let asked: Settlement<ShardResult> | null = null;
  let lost: Error | null = null;
  let ends = false;
  const settle = (outcome: (asked: Settlement<ShardResult>) => void): void => {
    // An answer that comes late must not let the process go before the thread has.
    if (!ends) thread.unref();
    const settled = asked;
    asked = null;
    if (settled) outcome(settled);
  };
  const lose = (cause: unknown): void => {
    const loss = (lost ??= new Error(`a worker was lost: ${String(cause)}`, {
      cause,
    }));
    settle(({ reject }) => reject(loss));
    void thread.terminate();
  };
  thread.on('message', (answer: WorkAnswer) => settle((of) => answered(of, answer)));
  thread.on('error', lose);
  thread.on('messageerror', lose);
  thread.on('exit', (code) => lose(`it ended with code ${code}`));
  // Last: to listen for messages keeps the process alive.
  thread.unref();
  return {
    run(request) {
      if (lost) return Promise.reject(lost);
      asked = settlement();
      thread.ref();
      thread.postMessage(request, []);
      return asked.promise;
    },
    async end() {
      ends = true;
      await thread.terminate();
    },
  };
}

function answered({ resolve, reject }: Settlement<ShardResult>, answer: WorkAnswer): void {
  if (answer.kind === 'done') resolve(answer.result);
  else reject(new InvariantError(answer.message));
}
