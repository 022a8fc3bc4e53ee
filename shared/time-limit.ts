// A time limit and the signals of others in one. AbortSignal.any over AbortSignal.timeout is not that: Node 20 holds the
// timeout weakly there, and where it is collected first the limit never comes.

import { type Clock, systemClock } from './ports.ts';

export interface TimeLimit {
  readonly signal: AbortSignal;
  /** To be called when what is limited has ended; nothing aborts afterwards. */
  lift(): void;
}

/** Aborted after `delayMs`, or with any of `others` for its reason. */
export function timeLimit(delayMs: number, others: readonly AbortSignal[], clock: Clock = systemClock): TimeLimit {
  const limit = new AbortController();
  const ended = new AbortController();
  const end = (reason: unknown): void => {
    ended.abort();
    limit.abort(reason);
  };
  const cancel = clock.after(delayMs, () => end(new Error(`nothing within ${delayMs} ms`)));
  ended.signal.addEventListener('abort', cancel);
  for (const other of others) {
    if (other.aborted) end(other.reason);
    else other.addEventListener('abort', () => end(other.reason), { signal: ended.signal });
  }
  return { signal: limit.signal, lift: () => ended.abort() };
}
