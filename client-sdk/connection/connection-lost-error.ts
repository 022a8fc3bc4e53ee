// What is no fault and no last word: nobody answered, or not yet as we want. Whoever asked may ask again.

import type { Refusal } from '../../shared/protocol/refusals.ts';

/** No answer: the socket closed or the time limit passed. Whoever asked may ask again once joined. */
export class ConnectionLostError extends Error {
  override readonly name: string = 'ConnectionLostError';
}

/** Refused, and asking again is the remedy. */
export class RefusedForNowError extends ConnectionLostError {
  override readonly name = 'RefusedForNowError';
  readonly refusal: Refusal;
  constructor(event: string, refusal: Refusal) {
    super(`${event} was refused for now: ${refusal.code}`);
    this.refusal = refusal;
  }
}

/** What only a join tells. @throws ConnectionLostError before the first one. */
export function orNotJoined<T>(known: T | undefined): T {
  if (known === undefined) throw new ConnectionLostError('not joined yet');
  return known;
}
