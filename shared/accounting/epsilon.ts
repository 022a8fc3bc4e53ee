// Epsilon of a whole history at a given delta: the one figure that is shown, enforced and signed, computed by client
// and coordinator from this file alone. It is an upper bound, and never the sum of the rounds' own epsilons.
// Adjacency: add/remove one example.

import type { PrivacyEvent } from './privacy-event.ts';
import { rdpAccountant } from './rdp-accountant.ts';

/** Stored beside every epsilon that is enforced. */
export const ACCOUNTANT = rdpAccountant.version;

/**
 * 0 for no events; Infinity as soon as one step was taken without noise.
 * @throws InvariantError where delta is not between 0 and 1 or an event is unsound.
 */
export function epsilonOf(events: readonly PrivacyEvent[], delta: number): number {
  return rdpAccountant.epsilon(events, delta).epsilon;
}
