// The accountant that is enforced: Renyi differential privacy of the whole history, converted at the order that gives
// the least bound. Fast, and safe at any number of steps; for few steps at small sampling rates several times what
// numerical composition shows. `rdpAccountant` is the one of `./epsilon.ts`; orders and conversion can be others.

import { type Accountant, type Grounds, requireDelta, requireEpsilon } from './accountant.ts';
import type { PrivacyEvent } from './privacy-event.ts';
import { composedRdp, ORDERS, rememberingRdpOfStep } from './rdp.ts';
import { type Conversion, deltaAtOrder, epsilonAtOrder, type RdpAtOrder } from './rdp-conversion.ts';

/** Stored beside every epsilon; changes with anything that can change the figure. */
export const RDP_ACCOUNTANT = 'rdp-signed-fractional/1';

export interface RdpOptions {
  /** Above 1, ascending. Default: 1.1 to 10.9 by 0.1, 11 to 63, 128, 256, 512, 1024. */
  readonly orders?: readonly number[];
  readonly conversion?: Conversion;
  /**
   * True: what a mechanism costs is computed once in the accountant's life, which lets a search ask about one long history
   * many times; it takes 8 bytes for each order of each mechanism. The figures are the same. Default: false.
   */
  readonly remembers?: boolean;
}

/** The version of an accountant with other orders or the classic conversion says so. */
export function rdpAccountantWith({
  orders = ORDERS,
  conversion = 'improved',
  remembers = false,
}: RdpOptions = {}): Accountant {
  const isDefault = orders === ORDERS && conversion === 'improved';
  const rdpOfStep = remembers ? rememberingRdpOfStep() : undefined;
  const costOf = (events: readonly PrivacyEvent[]): readonly RdpAtOrder[] => {
    const rdp = composedRdp(events, orders, rdpOfStep);
    return orders.map((order, i) => ({ order, rdp: rdp[i] ?? NaN }));
  };
  return {
    name: 'rdp',
    version: isDefault ? RDP_ACCOUNTANT : `${RDP_ACCOUNTANT} (${conversion}, ${orders.length} orders)`,
    complaint: () => undefined,
    epsilon(events, delta) {
      requireDelta(delta);
      const bounds = costOf(events).map((cost) => epsilonAtOrder(cost, delta, conversion));
      return { epsilon: Math.min(...bounds), ...groundsOf(bounds, orders) };
    },
    delta(events, epsilon) {
      requireEpsilon(epsilon);
      const bounds = costOf(events).map((cost) => deltaAtOrder(cost, epsilon, conversion));
      return { delta: Math.min(...bounds), ...groundsOf(bounds, orders) };
    },
  };
}

export const rdpAccountant: Accountant = rdpAccountantWith();

/** No order is given where none was needed (nothing spent) or none helps. */
function groundsOf(bounds: readonly number[], orders: readonly number[]): Grounds {
  const least = Math.min(...bounds);
  const order = least < Infinity && least > 0 ? (orders[bounds.indexOf(least)] ?? null) : null;
  return { order, errorBound: null, warnings: order === null ? [] : edgeWarnings(order, orders) };
}

/** A best order at an end of the list means that an order beyond it would have given less. */
function edgeWarnings(order: number, orders: readonly number[]): readonly string[] {
  const end = order === orders[0] ? 'smallest' : order === orders.at(-1) ? 'largest' : undefined;
  if (end === undefined) return [];
  return [`the best order is ${order}, the ${end} that was tried: the figure holds, and a wider list would give less`];
}
