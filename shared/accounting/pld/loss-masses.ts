// The privacy loss of one step, log P/Q = log(1 - q + q e^((2z-1) / (2 s^2))) with P = (1-q) N(0, s^2) + q N(1, s^2) and
// Q = N(0, s^2), as masses on a grid. Connect the dots (Doroshenko, Ghazi, Kamath, Kumar and Manurangsi, arXiv 2207.04380):
// the mass of each cell goes to its two ends so that P and Q of the cell are kept; delta is then exact at the points of the
// grid and above the truth between, also after composition. What lies below the grid goes to its lowest point, what lies
// above to infinity, and every mass is raised by the most that rounding can have taken from it.

import { erfc } from '../special/log-erfc.ts';

/** P-masses at the losses (firstIndex + i) x gridStep. Their sum and `massAtInfinity` come to 1 or a little more. */
export interface LossMasses {
  readonly gridStep: number;
  readonly firstIndex: number;
  readonly masses: Float64Array;
  readonly massAtInfinity: number;
}

export interface Mechanism {
  readonly noiseMultiplier: number;
  /** Above 0. */
  readonly samplingRate: number;
}

/** Both directions of add/remove adjacency: P against Q, and Q against P. */
export interface StepLosses {
  readonly remove: LossMasses;
  readonly add: LossMasses;
}

/** Larger losses of one step count as infinite, which is above the truth. */
const LARGEST_LOSS = 500;
const UNIT_ROUNDING = 2 ** -53;

/** A point of the grid as a z, with the Gaussian tails there; 0 where the loss is below all there are. */
interface GridPoint {
  /** e^((2z-1) / (2 s^2)); not above 0 where no z has so small a loss. */
  readonly ratio: number;
  readonly underQ: Tail;
  readonly underOne: Tail;
}

/** The smaller one of the two tails at z, and on which side it lies. */
interface Tail {
  readonly mass: number;
  readonly below: boolean;
  readonly rounding: number;
}

/** The extent of the losses outside of which at most `cutMass` lies on either side. */
export function lossRange({ noiseMultiplier, samplingRate }: Mechanism, cutMass: number): readonly [number, number] {
  const deviations = noiseMultiplier * Math.sqrt(-2 * Math.log(2 * cutMass));
  const lossAt = (z: number): number => {
    const exponent = (2 * z - 1) / (2 * noiseMultiplier ** 2);
    if (samplingRate === 1) return exponent;
    return exponent > 700 ? exponent + Math.log(samplingRate) : Math.log1p(samplingRate * Math.expm1(exponent));
  };
  return [Math.max(-LARGEST_LOSS, lossAt(-deviations)), Math.min(LARGEST_LOSS, lossAt(1 + deviations))];
}

/** At most 2^-1000 < `cutMass` < 1/2 is cut off on either side. */
export function stepLosses(mechanism: Mechanism, gridStep: number, cutMass: number): StepLosses {
  const [least, largest] = lossRange(mechanism, cutMass);
  const firstIndex = Math.floor(least / gridStep);
  const lastIndex = Math.max(firstIndex + 1, Math.ceil(largest / gridStep));
  const q = mechanism.samplingRate;
  const masses = new Float64Array(lastIndex - firstIndex + 1);
  const first = gridPoint(mechanism, firstIndex * gridStep);
  let low = first;
  for (let i = 1; i < masses.length; i++) {
    const high = gridPoint(mechanism, (firstIndex + i) * gridStep);
    const [toLow, toHigh] = connectDots([low, high], q, gridStep);
    masses[i - 1] = (masses[i - 1] ?? NaN) + toLow;
    masses[i] = toHigh;
    low = high;
  }
  const below = [massBelow(first.underQ), massBelow(first.underOne)] as const;
  const above = [massAbove(low.underQ), massAbove(low.underOne)] as const;
  return {
    remove: withTails({ gridStep, firstIndex, masses }, mixture(q, below), mixture(q, above)),
    add: withTails(reversed(gridStep, firstIndex, masses), above[0], below[0]),
  };
}

function withTails(
  { gridStep, firstIndex, masses }: Omit<LossMasses, 'massAtInfinity'>,
  below: number,
  above: number,
): LossMasses {
  const raised = Float64Array.from(masses);
  raised[0] = (raised[0] ?? NaN) + below;
  return { gridStep, firstIndex, masses: raised, massAtInfinity: above };
}

const mixture = (q: number, [underQ, underOne]: readonly [number, number]): number => (1 - q) * underQ + q * underOne;

/** The same cells seen from the other neighbour: the mass at -t is e^-t times the mass at t. */
function reversed(gridStep: number, firstIndex: number, masses: Float64Array): Omit<LossMasses, 'massAtInfinity'> {
  const flipped = masses.map((mass, i) => mass * Math.exp(-(firstIndex + i) * gridStep)).reverse();
  return { gridStep, firstIndex: 1 - firstIndex - masses.length, masses: flipped };
}

/**
 * What of the cell's P-mass goes to its lower and to its upper end. With n0, n1 its masses under N(0, s^2), N(1, s^2)
 * and r the ratio of their densities at an end, the conditions come to q (r_b n0 - n1) / (e^h - 1) and
 * q (n1 - r_a n0) / (1 - e^-h): the first terms of P and Q cancel by algebra and not in float64.
 */
function connectDots(
  [low, high]: readonly [GridPoint, GridPoint],
  q: number,
  gridStep: number,
): readonly [number, number] {
  const n0 = massBetween(low.underQ, high.underQ);
  const n1 = massBetween(low.underOne, high.underOne);
  const rounding =
    low.underOne.rounding +
    high.underOne.rounding +
    (q === 1 ? high.ratio : Math.max(1, high.ratio)) * (low.underQ.rounding + high.underQ.rounding);
  const scale = q / -Math.expm1(-gridStep);
  const toHigh = scale * (Math.max(0, n1 - low.ratio * n0) + rounding);
  const toLow = scale * (Math.max(0, high.ratio * n0 - n1) + rounding) * Math.exp(-gridStep);
  return [toLow, toHigh];
}

function gridPoint({ noiseMultiplier, samplingRate: q }: Mechanism, loss: number): GridPoint {
  const ratio = q === 1 ? Math.exp(loss) : (Math.expm1(loss) + q) / q;
  const z = ratio > 0 ? noiseMultiplier ** 2 * (q === 1 ? loss : Math.log(ratio)) + 0.5 : -Infinity;
  return { ratio, underQ: tailAt(z / noiseMultiplier), underOne: tailAt((z - 1) / noiseMultiplier) };
}

/** Relative error of the tail: 4 u d^2 for the rounding of d standard deviations and of their square, the rest 16 u. */
function tailAt(deviations: number): Tail {
  const below = deviations < 0;
  const mass = erfc(Math.abs(deviations) * Math.SQRT1_2) / 2;
  const rounding = mass === 0 ? 0 : mass * (16 + 4 * deviations ** 2) * UNIT_ROUNDING;
  return { mass, below, rounding };
}

function massBetween(low: Tail, high: Tail): number {
  if (high.below) return high.mass - low.mass;
  return low.below ? 1 - low.mass - high.mass : low.mass - high.mass;
}

const massBelow = ({ mass, below, rounding }: Tail): number => (below ? mass : 1 - mass) + rounding;

const massAbove = ({ mass, below, rounding }: Tail): number => (below ? 1 - mass : mass) + rounding;
