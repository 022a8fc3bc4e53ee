// From the masses of a composed loss to delta at an epsilon and back: delta(e) = sum over losses t > e of
// (1 - e^(e - t)) x mass, plus what may lie at infinity. Every entry is raised by the most that rounding can have taken
// from it before it is used; beside each figure stands the least that it would be without these allowances.

import { composeTilted, type TiltedComposition } from './composition.ts';
import type { Frame } from './frame.ts';
import type { RepeatedLoss } from './log-moments.ts';

/** `value` is an upper bound; the grid's own losses, in exact arithmetic, give `least` at least. */
export interface Bounded {
  readonly value: number;
  readonly least: number;
}

export interface DeltaCurve {
  epsilonAt(delta: number): Bounded;
  /** At any epsilon from the bottom of the frame on. */
  deltaAt(epsilon: number): Bounded;
}

/** Sums over the losses from each point of the grid on: of (1 - e^(point - t)) mass, and of e^(point - t) mass. */
interface SuffixSums {
  readonly delta: Float64Array;
  readonly weight: Float64Array;
}

/** The losses' curve, from the bottom of the frame on. */
export function deltaCurve(composed: readonly RepeatedLoss[], frame: Frame, gridStep: number): DeltaCurve {
  const { tilt, firstIndex, size } = frame;
  const composition = composeTilted(composed, tilt, size);
  const lossAt = (i: number): number => (firstIndex + i) * gridStep;
  const sums = suffixSums(composition, frame, gridStep);
  const relative = composition.relativeRounding + 8 * size * 2 ** -53;
  const beyond = frame.massAbove;
  const roundingAt = (epsilon: number): number =>
    (Math.exp(composition.logScale - tilt * epsilon) * composition.rounding) / -Math.expm1(-tilt * gridStep);
  const allowanceAt = (epsilon: number): number => 2 * roundingAt(epsilon) + frame.spillAt(epsilon);

  const inverse = (delta: number): number => {
    const i = firstAtMost(sums.delta, delta);
    if (i === 0 || i === size) return lossAt(i);
    const share = (delta - (sums.delta[i] ?? NaN)) / (sums.weight[i] ?? NaN);
    return Math.max(lossAt(i - 1), lossAt(i) + Math.log1p(-share));
  };
  return {
    epsilonAt(delta) {
      const left = (delta - beyond) / (1 + relative);
      if (!(left > 0)) return { value: Infinity, least: 0 };
      const value = inverse(left);
      const least = inverse(delta + relative * delta + allowanceAt(value));
      return { value: Math.max(0, value), least: least <= lossAt(0) ? 0 : Math.max(0, least) };
    },
    deltaAt(epsilon) {
      const i = Math.max(0, Math.ceil(epsilon / gridStep) - firstIndex);
      const share = -Math.expm1(epsilon - lossAt(i));
      const sum = i >= size ? 0 : (sums.delta[i] ?? NaN) + (sums.weight[i] ?? NaN) * share;
      const value = Math.min(1, sum * (1 + relative) + beyond);
      return { value, least: Math.max(0, Math.min(1, sum * (1 - relative) - allowanceAt(epsilon))) };
    },
  };
}

function suffixSums(
  { tilted, rounding, logScale }: TiltedComposition,
  { tilt, firstIndex, size }: Frame,
  gridStep: number,
): SuffixSums {
  const [delta, weight] = [new Float64Array(size), new Float64Array(size)];
  const [decay, share] = [Math.exp(-gridStep), -Math.expm1(-gridStep)];
  const offset = ((firstIndex % size) + size) % size;
  let [deltaFrom, weightFrom] = [0, 0];
  for (let i = size - 1; i >= 0; i--) {
    const raised = Math.max(0, tilted[(offset + i) % size] ?? NaN) + rounding;
    const mass = raised * Math.exp(logScale - tilt * (firstIndex + i) * gridStep);
    deltaFrom += weightFrom * share;
    weightFrom = weightFrom * decay + mass;
    delta[i] = deltaFrom;
    weight[i] = weightFrom;
  }
  return { delta, weight };
}

/** The place of the first entry that is not above the limit; entries do not rise. */
function firstAtMost(falling: Float64Array, limit: number): number {
  let [low, high] = [0, falling.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((falling[middle] ?? NaN) <= limit) high = middle;
    else low = middle + 1;
  }
  return low;
}
