// What releases cost, as Renyi differential privacy at whole orders: D_a(P||Q) for the worst pair of neighbouring data
// sets (add/remove one example), which adds up over releases that are chosen one after the other.
// Poisson-subsampled Gaussian: Mironov, Talwar and Zhang, arXiv 1908.10530, section 3.3.
// Whole orders only: their series is finite and positive, so nothing cancels and nothing has to converge. The price is
// a slightly larger epsilon where the best order is a small fraction. `./epsilon.ts` turns the result into epsilon.

import { InvariantError } from '../invariant-error.ts';
import type { SampledGaussianEvent } from './privacy-event.ts';

const LARGEST_DENSE_ORDER = 63;
const SPARSE_ORDERS = [128, 256, 512, 1024];

/** The orders a, ascending; every array of Renyi divergences here is indexed like this list. */
export const ORDERS: readonly number[] = [
  ...Array.from({ length: LARGEST_DENSE_ORDER - 1 }, (_, i) => i + 2),
  ...SPARSE_ORDERS,
];

/**
 * Renyi divergence at each of `ORDERS` of all steps of the event together; infinite without noise.
 * @throws InvariantError where a figure of the event is outside its range: nothing may be charged for nonsense.
 */
export function rdpOf(event: SampledGaussianEvent): Float64Array {
  requireSound(event);
  if (event.steps === 0) return new Float64Array(ORDERS.length);
  return Float64Array.from(ORDERS, (order) => event.steps * rdpOfOneStep(order, event));
}

/** Of a whole history. Events alike in noise and rate are merged first: ten rounds of k steps cost 10 k exactly. */
export function composedRdp(events: readonly SampledGaussianEvent[]): Float64Array {
  const none = new Float64Array(ORDERS.length);
  return merged(events).reduce((total, event) => {
    const rdp = rdpOf(event);
    return total.map((sum, i) => sum + (rdp[i] ?? NaN));
  }, none);
}

function rdpOfOneStep(order: number, { noiseMultiplier, samplingRate }: SampledGaussianEvent): number {
  if (noiseMultiplier === 0) return Infinity;
  if (samplingRate === 0) return 0;
  if (samplingRate === 1) return order / (2 * noiseMultiplier ** 2);
  return logMoment(order, samplingRate, noiseMultiplier) / (order - 1);
}

/**
 * log A_a, A_a = sum over i = 0..a of C(a, i) (1-q)^(a-i) q^i e^((i^2-i) / (2 s^2)). Binomial weights sum to 1 and the
 * exponent is 0 for i < 2, hence A_a - 1 is the sum over i >= 2 with e^x - 1 in place of e^x: positive terms that keep
 * their precision however small q is.
 */
function logMoment(order: number, samplingRate: number, noiseMultiplier: number): number {
  const logTerms: number[] = [];
  let logBinomial = Math.log(order);
  for (let i = 2; i <= order; i++) {
    logBinomial += Math.log((order - i + 1) / i);
    const logWeight = logBinomial + i * Math.log(samplingRate) + (order - i) * Math.log1p(-samplingRate);
    logTerms.push(logWeight + logExpm1((i * i - i) / (2 * noiseMultiplier ** 2)));
  }
  return log1pExp(logSumExp(logTerms));
}

/** log(e^x - 1) for x >= 0. */
function logExpm1(x: number): number {
  return x > 1 ? x + Math.log1p(-Math.exp(-x)) : Math.log(Math.expm1(x));
}

/** log(1 + e^x). */
function log1pExp(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

function logSumExp(logTerms: readonly number[]): number {
  const largest = Math.max(...logTerms);
  if (!Number.isFinite(largest)) return largest;
  return largest + Math.log(logTerms.reduce((sum, term) => sum + Math.exp(term - largest), 0));
}

function merged(events: readonly SampledGaussianEvent[]): readonly SampledGaussianEvent[] {
  const byMechanism = new Map<string, SampledGaussianEvent>();
  for (const event of events) {
    requireSound(event); // before the sum, in which a negative number of steps would vanish
    const mechanism = `${event.noiseMultiplier} ${event.samplingRate}`;
    const steps = event.steps + (byMechanism.get(mechanism)?.steps ?? 0);
    byMechanism.set(mechanism, { ...event, steps });
  }
  return [...byMechanism.values()];
}

function requireSound({ noiseMultiplier, samplingRate, steps }: SampledGaussianEvent): void {
  if (!(noiseMultiplier >= 0 && noiseMultiplier < Infinity)) {
    throw new InvariantError(`expected a finite noise multiplier of at least 0, found ${noiseMultiplier}`);
  }
  if (!(samplingRate >= 0 && samplingRate <= 1)) {
    throw new InvariantError(`expected a sampling rate from 0 to 1, found ${samplingRate}`);
  }
  if (!(Number.isSafeInteger(steps) && steps >= 0)) {
    throw new InvariantError(`expected a whole number of steps of at least 0, found ${steps}`);
  }
}
