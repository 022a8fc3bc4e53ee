// Epsilon of a whole history at a given delta: the one figure that is shown, enforced and signed, computed by client
// and coordinator from this file alone. It is an upper bound, and never the sum of the rounds' own epsilons.
// Adjacency: add/remove one example.

import { InvariantError } from '../invariant-error.ts';
import type { SampledGaussianEvent } from './privacy-event.ts';
import { composedRdp, ORDERS } from './rdp.ts';

/** Stored beside every epsilon; changes with anything that can change the figure. */
export const ACCOUNTANT = 'rdp-integer-orders/1';

/**
 * 0 for no events; Infinity as soon as one step was taken without noise.
 * @throws InvariantError where delta is not between 0 and 1 or an event is unsound.
 */
export function epsilonOf(events: readonly SampledGaussianEvent[], delta: number): number {
  if (!(delta > 0 && delta < 1)) throw new InvariantError(`expected a delta between 0 and 1, found ${delta}`);
  const rdp = composedRdp(events);
  return Math.min(...ORDERS.map((order, i) => epsilonAtOrder(order, rdp[i] ?? NaN, delta)));
}

/**
 * Conversion at one order a > 1: r + log((a-1)/a) - (log delta + log a) / (a-1), never below 0 (Canonne, Kamath and
 * Steinke, arXiv 2004.00010, proposition 12).
 * Exactly 0 where delta alone covers the total variation distance, for (0, TV)-privacy always holds:
 * TV <= sqrt(1 - e^-KL) (Bretagnolle and Huber) and KL <= r, since divergences grow with the order.
 */
export function epsilonAtOrder(order: number, rdp: number, delta: number): number {
  if (-Math.expm1(-rdp) <= delta * delta) return 0;
  return Math.max(0, rdp + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1));
}
