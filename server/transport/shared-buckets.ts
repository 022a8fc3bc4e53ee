// One token bucket for each key (a client, an address), shared by all sockets of that key and outliving each of them.
// Buckets that are full again are forgotten, so that memory is bounded by who has asked of late, not by who ever has.

import { type Rate, TokenBucket } from './token-bucket.ts';

export class SharedBuckets<Key> {
  readonly #rate: Rate;
  readonly #refillMs: number;
  readonly #buckets = new Map<Key, TokenBucket>();
  #sweptAtMs = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
    this.#refillMs = (rate.burst / rate.perSecond) * 1000;
  }

  /** Keys of which something is known. */
  get size(): number {
    return this.#buckets.size;
  }

  /** False when what `key` asks has to be turned away. */
  take(key: Key, nowMs: number): boolean {
    this.#sweep(nowMs);
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, nowMs);
    this.#buckets.set(key, bucket);
    return bucket.take(nowMs);
  }

  /** Once in the time that an empty bucket takes to fill, so that the cost a question is that of one key. */
  #sweep(nowMs: number): void {
    // Either way: a clock set back must not put the next sweep off.
    if (Math.abs(nowMs - this.#sweptAtMs) < this.#refillMs) return;
    this.#sweptAtMs = nowMs;
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(nowMs)) this.#buckets.delete(key);
  }
}
