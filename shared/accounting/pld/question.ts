// The two questions that one composition answers: the epsilon at a delta and the delta at an epsilon. Each says which tilt
// suits it (the one at which Chernoff's bound is least), where on the curve its answer is to be expected, and how exact it
// has to be.

import type { Bounded, DeltaCurve } from './delta-curve.ts';
import type { ExpectedPoint } from './frame.ts';
import { logDeltaBound, type LogMoments } from './log-moments.ts';

export interface Question {
  /** Chernoff's bound at a tilt: on epsilon, or on the logarithm of the part of delta that finite losses make up. */
  boundAt(moments: LogMoments, tilt: number): number;
  /** The answer that holds for anything. */
  readonly worst: number;
  /** Whether the answer is 0 by the least such bound. */
  isZero(bound: number): boolean;
  /** From the least such bound to begin with. */
  expectedFromBound(bound: number, tilt: number): ExpectedPoint;
  /** From the answer on a coarser grid. */
  expectedFromAnswer(answer: number, tilt: number): ExpectedPoint;
  answer(curve: DeltaCurve): Bounded;
  /** A finer grid is tried while it lowers the answer by more than this. */
  tolerance(answer: number): number;
  /** How far the answer is off with an epsilon that is off by so much. */
  answerError(answer: number, tilt: number, epsilonError: number): number;
  /** How far epsilon may be off through the grid. */
  epsilonTolerance({ epsilon }: ExpectedPoint, tilt: number): number;
}

/** Of epsilon at 1; elsewhere by the square root, down to an epsilon of 0.01. */
const EPSILON_TOLERANCE = 1.5e-4;
/** Of delta, relative. */
const DELTA_TOLERANCE = 5e-4;
/** Log of how far Chernoff's bound may lie above delta. */
const CHERNOFF_GAP = 10;

export function epsilonAt(delta: number): Question {
  const logDelta = Math.log(delta);
  const tolerance = (epsilon: number): number => EPSILON_TOLERANCE * Math.sqrt(Math.max(0.01, epsilon));
  const expected = (epsilon: number, lower: number): ExpectedPoint => {
    const lowestEpsilon = Math.max(0, epsilon - lower);
    return { epsilon: lowestEpsilon, lowestEpsilon, logDelta };
  };
  return {
    boundAt(moments, tilt) {
      const finite = delta - moments.massAtInfinity;
      return finite > 0 ? (logDeltaBound(moments, tilt) - Math.log(finite)) / tilt : Infinity;
    },
    worst: Infinity,
    isZero: (bound) => bound <= 0,
    expectedFromBound: (bound, tilt) => expected(bound, CHERNOFF_GAP / tilt),
    expectedFromAnswer: (answer, tilt) => expected(answer, 1 / tilt),
    answer: (curve) => curve.epsilonAt(delta),
    tolerance,
    answerError: (_, __, epsilonError) => epsilonError,
    epsilonTolerance: ({ epsilon }) => tolerance(epsilon),
  };
}

export function deltaAt(epsilon: number): Question {
  const expected = (logDelta: number): ExpectedPoint => ({ epsilon, lowestEpsilon: epsilon, logDelta });
  return {
    boundAt: (moments, tilt) => logDeltaBound(moments, tilt) - tilt * epsilon,
    worst: 1,
    isZero: () => false,
    expectedFromBound: (bound) => expected(Math.max(LEAST_LOG, bound - CHERNOFF_GAP)),
    expectedFromAnswer: (answer) => expected(Math.max(LEAST_LOG, Math.log(answer))),
    answer: (curve) => curve.deltaAt(epsilon),
    tolerance: (delta) => DELTA_TOLERANCE * delta,
    answerError: (delta, tilt, epsilonError) => delta * (tilt + 1) * epsilonError,
    epsilonTolerance: (_, tilt) => DELTA_TOLERANCE / Math.max(1, tilt),
  };
}

/** Deltas below e^-100 are not told apart. */
const LEAST_LOG = -100;
