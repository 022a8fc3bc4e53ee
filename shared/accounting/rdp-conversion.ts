// From a Renyi divergence r at one order a > 1 to epsilon at a delta and to delta at an epsilon; every order gives a bound
// that holds, so that the least of them does. Two conversions, as published figures were made with either:
//   improved  epsilon = r + log((a-1)/a) - (log delta + log a) / (a-1)   (Canonne, Kamath and Steinke, arXiv 2004.00010,
//             proposition 12); what is enforced.
//   classic   epsilon = r + log(1/delta) / (a-1)                         (Mironov, arXiv 1702.07476, proposition 3).

export type Conversion = 'improved' | 'classic';

export interface RdpAtOrder {
  /** Above 1. */
  readonly order: number;
  /** 0 for no release at all, which costs nothing by either conversion. */
  readonly rdp: number;
}

/**
 * Never below 0. By the improved conversion exactly 0 where delta alone covers the total variation distance, for
 * (0, TV)-privacy always holds: TV <= sqrt(1 - e^-KL) (Bretagnolle and Huber) and KL <= r, as divergences grow with a.
 */
export function epsilonAtOrder({ order, rdp }: RdpAtOrder, delta: number, conversion: Conversion = 'improved'): number {
  if (rdp === 0) return 0;
  if (conversion === 'classic') return rdp - Math.log(delta) / (order - 1);
  if (-Math.expm1(-rdp) <= delta * delta) return 0;
  return Math.max(0, rdp + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1));
}

/** The other way: at most 1, and by the improved conversion at most the bound on the total variation distance. */
export function deltaAtOrder({ order, rdp }: RdpAtOrder, epsilon: number, conversion: Conversion = 'improved'): number {
  if (rdp === 0) return 0;
  if (conversion === 'classic') return Math.min(1, Math.exp((order - 1) * (rdp - epsilon)));
  if (rdp === Infinity) return 1;
  const logDelta = (order - 1) * (rdp - epsilon + Math.log1p(-1 / order)) - Math.log(order);
  return Math.min(Math.sqrt(-Math.expm1(-rdp)), Math.exp(logDelta));
}
