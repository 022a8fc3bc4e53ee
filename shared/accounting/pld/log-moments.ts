// Exponential moments of composed losses: log E e^(tilt L), L the sum of all steps' losses short of infinity.
// Moments bound tails on either side (Chernoff), say which tilt suits a delta, and normalise tilted masses.
// The tilt plus one is the order of the Renyi divergence that the moment belongs to.

import type { LossMasses } from './loss-masses.ts';

/** A number of alike steps. */
export interface RepeatedLoss {
  readonly losses: LossMasses;
  readonly steps: number;
}

export interface LogMoments {
  at(tilt: number): number;
  /** What the moments leave out: at most this much mass is at infinity in all steps together. */
  readonly massAtInfinity: number;
}

/** Exponents this far below the largest change no digit of a sum of as many terms as a grid has. */
const NEGLIGIBLE = -60;

export function logMoments(composed: readonly RepeatedLoss[]): LogMoments {
  const logs = composed.map(({ losses }) => losses.masses.map(Math.log));
  const known = new Map<number, number>();
  return {
    massAtInfinity: composed.reduce((sum, { losses, steps }) => sum + steps * losses.massAtInfinity, 0),
    at(tilt) {
      const found =
        known.get(tilt) ??
        composed.reduce(
          (sum, { losses, steps }, i) => sum + steps * logMoment(losses, logs[i] ?? losses.masses, tilt),
          0,
        );
      known.set(tilt, found);
      return found;
    },
  };
}

function logMoment({ firstIndex, gridStep }: LossMasses, logMasses: Float64Array, tilt: number): number {
  const slope = tilt * gridStep;
  let largest = -Infinity;
  for (let i = 0; i < logMasses.length; i++) {
    largest = Math.max(largest, (logMasses[i] ?? NaN) + slope * i);
  }
  let sum = 0;
  for (let i = 0; i < logMasses.length; i++) {
    const exponent = (logMasses[i] ?? NaN) + slope * i - largest;
    if (exponent > NEGLIGIBLE) sum += Math.exp(exponent);
  }
  return slope * firstIndex + largest + Math.log(sum);
}

/**
 * log of a bound on delta at epsilon 0, so that tilt x epsilon has only to be taken off: e^(tilt L) times
 * max over L of (1 - e^-L) e^(-tilt L) (Canonne, Kamath and Steinke, arXiv 2004.00010, proposition 12).
 */
export function logDeltaBound(moments: LogMoments, tilt: number): number {
  return moments.at(tilt) - tilt * Math.log1p(1 / tilt) - Math.log1p(tilt);
}

/** The tilt in [e^low, e^high] with the least objective, to a fifth: golden section, for objectives with one minimum. */
export function bestTilt(objective: (tilt: number) => number, low: number, high: number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  const at = (logTilt: number): number => objective(Math.exp(logTilt));
  let [left, right] = [high - golden * (high - low), low + golden * (high - low)];
  let [atLeft, atRight] = [at(left), at(right)];
  while (high - low > 0.2) {
    if (atLeft <= atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - golden * (high - low);
      atLeft = at(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + golden * (high - low);
      atRight = at(right);
    }
  }
  return Math.exp((low + high) / 2);
}
