// A worker thread: computes one request after the other. A fault of the work is answered; anything else, such as a trap
// of the kernel, ends the thread, and whoever asked starts another (worker-pool.ts).

import { parentPort } from 'node:worker_threads';
import { InvariantError } from '../../../shared/invariant-error.ts';
import type { ShardResult } from './shard.ts';
import type { WorkAnswer } from './shard-worker.ts';
import { loadTileKernel } from './tile-kernel.ts';
import { performWith, type WorkRequest } from './work.ts';

const port = parentPort;
if (!port) throw new InvariantError('kernel-worker runs in a worker thread alone');
const perform = performWith(await loadTileKernel());

port.on('message', (request: WorkRequest) => {
  const answer = answerTo(request);
  port.postMessage(answer, answer.kind === 'done' ? ownBuffers(answer.result) : []);
});

function answerTo(request: WorkRequest): WorkAnswer {
  try {
    return { kind: 'done', result: perform(request) };
  } catch (fault) {
    if (fault instanceof InvariantError) return { kind: 'fault', message: fault.message };
    throw fault;
  }
}

/** Moved instead of copied. */
function ownBuffers({ sums, values, counts }: ShardResult): readonly ArrayBuffer[] {
  return [sums.buffer, values.buffer, counts.buffer].filter((buffer) => buffer instanceof ArrayBuffer);
}
