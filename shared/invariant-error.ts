/** A promise of our own code was broken: a fault, never the answer to bad input (that is a `Refused`). */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}
