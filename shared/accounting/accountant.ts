// What every accountant answers: the epsilon of a history at a delta, and the delta at an epsilon, as upper bounds.
// Its version is stored beside every epsilon and changes with anything that can change the figure.

import { InvariantError } from '../invariant-error.ts';
import type { PrivacyEvent } from './privacy-event.ts';

export const accountantNames = ['rdp', 'pld', 'exact'] as const;
export type AccountantName = (typeof accountantNames)[number];

/** How a bound came about. */
export interface Grounds {
  /** The Renyi order that gave it, null where none did. */
  readonly order: number | null;
  /** How far it can be above the truth through numerical work alone; null where that is rounding or not known. */
  readonly errorBound: number | null;
  /** Sentences for people. */
  readonly warnings: readonly string[];
}

export interface EpsilonBound extends Grounds {
  readonly epsilon: number;
}

export interface DeltaBound extends Grounds {
  readonly delta: number;
}

export interface Accountant {
  readonly name: AccountantName;
  readonly version: string;
  /** Why it cannot account for this history; undefined where it can. */
  complaint(events: readonly PrivacyEvent[]): string | undefined;
  /** 0 for no events; Infinity once a step had no noise. @throws InvariantError for unsound figures or a complaint. */
  epsilon(events: readonly PrivacyEvent[], delta: number): EpsilonBound;
  /** @throws InvariantError for unsound figures or a complaint. */
  delta(events: readonly PrivacyEvent[], epsilon: number): DeltaBound;
}

/** @throws InvariantError where delta is not between 0 and 1. */
export function requireDelta(delta: number): void {
  if (!(delta > 0 && delta < 1)) throw new InvariantError(`expected a delta between 0 and 1, found ${delta}`);
}

/** @throws InvariantError where epsilon is negative or not finite. */
export function requireEpsilon(epsilon: number): void {
  if (epsilon >= 0 && epsilon < Infinity) return;
  throw new InvariantError(`expected a finite epsilon of at least 0, found ${epsilon}`);
}
