// What the rooms need from the world, as arguments: real ones are made at the rim (main.ts), fake ones in tests.

import type { Digest } from './ids.ts';

export interface Clock {
  /** Wall clock, for records only. */
  now(): Date;
  /** Runs `act` once after `delayMs` unless the returned function is called first. Monotonic. */
  after(delayMs: number, act: () => void): () => void;
}

/** Content-addressed bytes: what is stored under a digest never changes. */
export interface BlobStore {
  /**
   * Durable when it resolves (file and folder synced). The same bytes twice are one blob. `computed`: the digest of these
   * very bytes where it was computed here already; never one that somebody else has named.
   */
  put(bytes: Uint8Array, computed?: Digest): Promise<Digest>;
  /** The bytes, their digest checked again; undefined when none are kept. @throws InvariantError when they are damaged. */
  get(digest: Digest): Promise<Uint8Array | undefined>;
  has(digest: Digest): Promise<boolean>;
  delete(digest: Digest): Promise<void>;
}

/** Longest delay of `Clock.after`; beyond it the system's timers go off at once. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  after(delayMs, act) {
    const timer = setTimeout(act, delayMs);
    return () => clearTimeout(timer);
  },
};
