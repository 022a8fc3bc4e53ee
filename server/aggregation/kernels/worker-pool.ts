// Hands shards to workers, in the order in which they were asked for. A worker that is lost is replaced and its shard is
// computed again; results come back in the order of shards, so that who was quickest, or fell, shows nowhere.

import { InvariantError } from '../../../shared/invariant-error.ts';
import { type Settlement, settlement } from '../../../shared/settlement.ts';
import type { ShardResult } from './shard.ts';
import type { ShardWorker } from './shard-worker.ts';
import type { WorkRequest } from './work.ts';

/** How often one shard is computed again after the worker that had it was lost. */
const MOST_RETRIES = 3;

interface Job {
  readonly results: ShardResult[];
  readonly outcome: Settlement<readonly ShardResult[]>;
  left: number;
}

interface Shard {
  readonly job: Job;
  readonly index: number;
  readonly request: WorkRequest;
  losses: number;
}

export interface PoolOptions {
  /** Most workers at once. */
  readonly threads: number;
  startWorker(): ShardWorker;
}

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers = new Set<ShardWorker>();
  readonly #idle: ShardWorker[] = [];
  readonly #jobs = new Set<Job>();
  #waiting: Shard[] = [];
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Rejects InvariantError: the first fault of a shard, a shard that lost its worker too often, or `close`. */
  run(requests: readonly WorkRequest[]): Promise<readonly ShardResult[]> {
    if (this.#closed) return Promise.reject(closed());
    if (requests.length === 0) return Promise.resolve([]);
    const job: Job = {
      results: [],
      outcome: settlement(),
      left: requests.length,
    };
    this.#jobs.add(job);
    this.#waiting.push(...requests.map((request, index) => ({ job, index, request, losses: 0 })));
    this.#handOut();
    return job.outcome.promise;
  }

  /** Rejects what is under way and ends the workers. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#jobs) this.#fail(job, closed());
    await Promise.all(Array.from(this.#workers, (worker) => worker.end()));
  }

  #handOut(): void {
    while (this.#idle.length > 0 || this.#workers.size < this.#options.threads) {
      const shard = this.#waiting.shift();
      if (!shard) return;
      void this.#compute(shard);
    }
  }

  async #compute(shard: Shard): Promise<void> {
    let worker: ShardWorker | undefined;
    try {
      worker = this.#idle.pop() ?? this.#start();
      this.#took(shard, await worker.run(shard.request));
      this.#idle.push(worker);
    } catch (fault) {
      if (fault instanceof InvariantError) {
        if (worker) this.#idle.push(worker);
        this.#fail(shard.job, fault);
      } else {
        if (worker) this.#dismiss(worker);
        this.#lost(shard, fault);
      }
    }
    this.#handOut();
  }

  #start(): ShardWorker {
    const worker = this.#options.startWorker();
    this.#workers.add(worker);
    return worker;
  }

  #dismiss(worker: ShardWorker): void {
    this.#workers.delete(worker);
    void worker.end();
  }

  #took({ job, index }: Shard, result: ShardResult): void {
    job.results[index] = result;
    job.left -= 1;
    if (job.left > 0) return;
    this.#jobs.delete(job);
    job.outcome.resolve(job.results);
  }

  #lost(shard: Shard, cause: unknown): void {
    if (!this.#jobs.has(shard.job)) return;
    shard.losses += 1;
    if (shard.losses <= MOST_RETRIES) {
      this.#waiting.unshift(shard);
      return;
    }
    const { from, to } = shard.request.work;
    const where = `the shard of columns ${from} to ${to}`;
    this.#fail(shard.job, new InvariantError(`${where} lost ${shard.losses} workers: ${String(cause)}`, { cause }));
  }

  #fail(job: Job, fault: InvariantError): void {
    this.#jobs.delete(job);
    this.#waiting = this.#waiting.filter((shard) => shard.job !== job);
    job.outcome.reject(fault);
  }
}

function closed(): InvariantError {
  return new InvariantError('the aggregation kernel was closed before its work was done');
}
