// What releases cost, as Renyi differential privacy: D_a(P||Q) at a list of orders for the worst pair of neighbouring
// data sets (add/remove one example), which adds up over releases that are chosen one after the other.
// Poisson-subsampled Gaussian: Mironov, Talwar and Zhang, arXiv 1908.10530, section 3.3; whole orders by its finite sum,
// all others by an integral of positive terms. `./rdp-accountant.ts` turns the result into epsilon and delta.

import { InvariantError } from '../invariant-error.ts';
import { composeEvents } from './compose-events.ts';
import { fractionalOrderLogMoments } from './fractional-order-moment.ts';
import { type PrivacyEvent, requireSound, type SampledGaussianEvent } from './privacy-event.ts';
import { wholeOrderLogMoment } from './whole-order-moment.ts';

const FRACTIONAL_ORDERS = Array.from({ length: 99 }, (_, i) => (11 + i) / 10);
const WHOLE_ORDERS = Array.from({ length: 53 }, (_, i) => 11 + i);
const SPARSE_ORDERS = [128, 256, 512, 1024];

/** The orders a unless others are asked for, ascending: 1.1, 1.2, ... 10.9, 11, 12, ... 63, 128, 256, 512, 1024. */
export const ORDERS: readonly number[] = [...FRACTIONAL_ORDERS, ...WHOLE_ORDERS, ...SPARSE_ORDERS];

/** Of one step of a sound event, at each of the orders. */
export type RdpOfStep = (event: SampledGaussianEvent, orders: readonly number[]) => Float64Array;

/**
 * Renyi divergence, at each of the orders, of all steps of the event together; infinite without noise.
 * @throws InvariantError where a figure of the event is outside its range, or an order is not above 1.
 */
export function rdpOf(event: SampledGaussianEvent, orders = ORDERS, rdpOfStep: RdpOfStep = rdpOfOneStep): Float64Array {
  requireSound(event);
  const wrong = orders.find((order) => !(order > 1 && order < Infinity));
  if (wrong !== undefined) throw new InvariantError(`expected finite orders above 1, found ${wrong}`);
  if (event.steps === 0) return new Float64Array(orders.length);
  return rdpOfStep(event, orders).map((rdp) => event.steps * rdp);
}

/** Of a whole history. */
export function composedRdp(
  events: readonly PrivacyEvent[],
  orders = ORDERS,
  rdpOfStep: RdpOfStep = rdpOfOneStep,
): Float64Array {
  const none = new Float64Array(orders.length);
  return composeEvents(events).reduce((total, event) => {
    const rdp = rdpOf(event, orders, rdpOfStep);
    return total.map((sum, i) => sum + (rdp[i] ?? NaN));
  }, none);
}

/** Computes each mechanism once, which is all that takes time; for one list of orders. 1.2 kB a mechanism. */
export function rememberingRdpOfStep(): RdpOfStep {
  const known = new Map<string, Float64Array>();
  return (event, orders) => {
    const mechanism = `${event.noiseMultiplier} ${event.samplingRate}`;
    const rdp = known.get(mechanism) ?? rdpOfOneStep(event, orders);
    known.set(mechanism, rdp);
    return rdp;
  };
}

function rdpOfOneStep(
  { noiseMultiplier, samplingRate }: SampledGaussianEvent,
  orders: readonly number[],
): Float64Array {
  if (noiseMultiplier === 0) return new Float64Array(orders.length).fill(Infinity);
  if (samplingRate === 0) return new Float64Array(orders.length);
  if (samplingRate === 1) return Float64Array.from(orders, (order) => order / (2 * noiseMultiplier ** 2));
  const whole = (order: number): number => wholeOrderLogMoment(order, samplingRate, noiseMultiplier);
  const fractions = orders.filter((order) => !Number.isInteger(order));
  const moments = fractionalOrderLogMoments(fractions, samplingRate, noiseMultiplier);
  const atFraction = new Map(fractions.map((order, i) => [order, moments[i] ?? chord(order, whole)]));
  return Float64Array.from(orders, (order) => (atFraction.get(order) ?? whole(order)) / (order - 1));
}

/** An upper bound between two whole orders: log A_a is convex in a, and 0 at a = 1. */
function chord(order: number, whole: (order: number) => number): number {
  const below = Math.floor(order);
  const share = order - below;
  const least = below === 1 ? 0 : whole(below);
  return (1 - share) * least + share * whole(below + 1);
}
