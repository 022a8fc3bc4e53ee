// Which part of the composed loss is computed, and under which tilt. The transform is cyclic, so that every loss shows up
// in the frame [bottom, top): what lies k frames below is weighed by e^(-k tilt width) less than it is, what lies above by
// as much more. Both only add to delta. A wide frame and a tilt below Chernoff's best one keep both, and what has to be
// added for the losses above, e^-12 and less of delta.

import type { LogMoments } from './log-moments.ts';

/** Log of the share of delta that each side may add. */
const LOG_SPILL = -12;
/** Log of what Chernoff's bound may lie above delta without the frame being any wider for it. */
const LOG_SLACK = 3;

/** Where on the curve the answer is expected: nothing but accuracy hangs on it. */
export interface ExpectedPoint {
  readonly epsilon: number;
  readonly logDelta: number;
  /** The curve is made from here on. */
  readonly lowestEpsilon: number;
}

export interface Frame {
  readonly tilt: number;
  readonly firstIndex: number;
  /** Points of the grid, a power of two. */
  readonly size: number;
  /** At most this much mass lies above the frame, infinity included. */
  readonly massAbove: number;
  /** The most that losses outside of the frame add to delta at an epsilon inside. */
  spillAt(epsilon: number): number;
}

export interface FramePlan {
  /** Any above 0; the frame is smallest for the one with the least bound on delta. */
  readonly chernoffTilt: number;
  readonly expected: ExpectedPoint;
  readonly gridStep: number;
}

export function frameFor(moments: LogMoments, { chernoffTilt, expected, gridStep }: FramePlan): Frame {
  const { epsilon, logDelta, lowestEpsilon } = expected;
  const depth = Math.max(0, -logDelta) - LOG_SPILL;
  const tilt = (chernoffTilt * depth) / (depth + LOG_SLACK - LOG_SPILL);
  const logMass = moments.at(chernoffTilt);
  const enough = Math.max(lowestEpsilon + depth / tilt, (logMass - tilt * epsilon + depth) / (chernoffTilt - tilt));
  const firstIndex = Math.floor(lowestEpsilon / gridStep);
  const size = 2 ** Math.max(1, Math.ceil(Math.log2(enough / gridStep - firstIndex + 1)));
  const top = (firstIndex + size) * gridStep;
  const fromBelow = 1 / Math.expm1(tilt * size * gridStep);
  return {
    tilt,
    firstIndex,
    size,
    massAbove: moments.massAtInfinity + Math.exp(logMass - chernoffTilt * top),
    spillAt: (at) => fromBelow + Math.exp(logMass - (chernoffTilt - tilt) * top - tilt * at),
  };
}
