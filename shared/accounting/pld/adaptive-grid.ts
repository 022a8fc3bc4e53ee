// The grid is made as fine as the answer needs. Steps are powers of two, so that every grid holds the points of the coarser
// ones: by connect-the-dots the answer can then only fall from grid to grid, and it falls towards the truth. What is lost to
// the grid goes by the square of its step, so that the last fall seen is three times what is still to come. Stated as the
// error bound is that fall or what a step's cells can cost at most, whichever is more, and all allowances for rounding.
// The answer is an upper bound on any grid; only the error bound rests on that square.

import { type Bounded, deltaCurve } from './delta-curve.ts';
import { type ExpectedPoint, frameFor } from './frame.ts';
import { bestTilt, type LogMoments, logMoments, type RepeatedLoss } from './log-moments.ts';
import type { Question } from './question.ts';

/** The composed losses on a grid of any step; `span` is from the least to the largest loss of a step. */
export interface LossesByGrid {
  at(gridStep: number): readonly RepeatedLoss[];
  readonly span: number;
  readonly steps: number;
}

export interface GridAnswer {
  readonly value: number;
  readonly errorBound: number;
  readonly gridStep: number;
  readonly chernoffTilt: number;
}

const COARSE_CELLS = 1024;
/** Points of a step's grid and of the frame on the finest grid: some 100 MB in all, and seconds. */
const MOST_CELLS = 2 ** 19;
const MOST_POINTS = 2 ** 20;
const MOST_REFINEMENTS = 12;
/** Natural logarithms of the tilts tried: from those of epsilons in the hundreds to those of 1e-9. */
const LOG_TILTS = [-7, 28] as const;
/** The same, about a tilt that was best on another grid. */
const LOG_TILTS_ABOUT = 1;

/** Where and how finely to look. */
interface Aim {
  readonly gridStep: number;
  readonly chernoffTilt: number;
  readonly expected: ExpectedPoint;
  readonly mostPoints: number;
}

/** What one grid says, and what it says about where to look on the next. */
interface Attempt extends Bounded {
  readonly gridStep: number;
  readonly moments: LogMoments;
  /** Finer steps would take too much memory. */
  readonly finestStep: number;
}

export function answerOnAdaptiveGrid(question: Question, losses: LossesByGrid): GridAnswer {
  const start = startingPoint(question, losses);
  if (question.isZero(start.bound)) return { value: 0, errorBound: 0, ...start };
  if (start.bound === Infinity) return { value: question.worst, errorBound: Infinity, ...start };
  let { chernoffTilt } = start;
  let coarser = attempt(question, losses, { ...start, mostPoints: MOST_POINTS / 2 });
  for (let refinements = 1; ; refinements++) {
    if (coarser.value >= question.worst) return { value: question.worst, errorBound: question.worst, ...start };
    chernoffTilt = tiltNear(question, coarser.moments, chernoffTilt);
    const expected = question.expectedFromAnswer(coarser.value, chernoffTilt);
    const gridStep = Math.max(coarser.gridStep / 2, coarser.finestStep);
    const finer = attempt(question, losses, { gridStep, chernoffTilt, expected, mostPoints: MOST_POINTS });
    const fall = coarser.value - finer.value;
    const isLast = finer.gridStep <= finer.finestStep || refinements === MOST_REFINEMENTS;
    if (fall <= question.tolerance(finer.value) || isLast) {
      const cells = question.answerError(
        finer.value,
        chernoffTilt,
        cellError(losses.steps, chernoffTilt, finer.gridStep),
      );
      // A rise is rounding, which goes by the inverse square: three quarters of it came with the last halving.
      const lost = Math.max(cells, fall >= 0 ? fall : -2 * fall) + finer.value - finer.least;
      const errorBound = finer.gridStep < coarser.gridStep ? Math.min(finer.value, lost) : finer.value;
      return { value: finer.value, errorBound, gridStep: finer.gridStep, chernoffTilt };
    }
    coarser = finer;
  }
}

/** What a single grid says: an upper bound, as far off as may be. */
export function answerOnGrid(
  question: Question,
  losses: LossesByGrid,
  { gridStep, chernoffTilt: nearTilt }: Pick<Aim, 'gridStep' | 'chernoffTilt'>,
): number {
  const moments = logMoments(losses.at(gridStep));
  const near = Math.log(nearTilt);
  const chernoffTilt = bestTilt((tilt) => question.boundAt(moments, tilt), near - 1, near + 5);
  const expected = question.expectedFromBound(question.boundAt(moments, chernoffTilt), chernoffTilt);
  return attempt(question, losses, { gridStep, chernoffTilt, expected, mostPoints: MOST_POINTS }).value;
}

/** A first tilt, answer and step from Chernoff's bound on a coarse grid. */
function startingPoint(question: Question, losses: LossesByGrid): Omit<Aim, 'mostPoints'> & { readonly bound: number } {
  const coarseStep = powerOfTwoFrom(losses.span / COARSE_CELLS);
  const moments = logMoments(losses.at(coarseStep));
  const chernoffTilt = bestTilt((tilt) => question.boundAt(moments, tilt), ...LOG_TILTS);
  const bound = question.boundAt(moments, chernoffTilt);
  const expected = question.expectedFromBound(bound, chernoffTilt);
  const finestStep = powerOfTwoFrom((2 * losses.span) / MOST_CELLS);
  const step = stepFor(losses.steps, chernoffTilt, question.epsilonTolerance(expected, chernoffTilt));
  return { chernoffTilt, bound, expected, gridStep: Math.max(finestStep, Math.min(coarseStep, step)) };
}

/** On a coarser grid where the frame would take more points than allowed. */
function attempt(question: Question, losses: LossesByGrid, aim: Aim): Attempt {
  const { gridStep } = aim;
  const composed = losses.at(gridStep);
  const moments = logMoments(composed);
  const frame = frameFor(moments, aim);
  if (!(frame.size <= aim.mostPoints)) {
    if (gridStep > losses.span) return { value: question.worst, least: 0, gridStep, moments, finestStep: gridStep };
    const chernoffTilt = tiltNear(question, moments, aim.chernoffTilt);
    const expected = question.expectedFromBound(question.boundAt(moments, chernoffTilt), chernoffTilt);
    return attempt(question, losses, { ...aim, gridStep: 2 * gridStep, chernoffTilt, expected });
  }
  const finestStep = powerOfTwoFrom(Math.max(losses.span / MOST_CELLS, (frame.size * gridStep) / MOST_POINTS));
  const { value, least } = question.answer(deltaCurve(composed, frame, gridStep));
  return { value, least, gridStep, moments, finestStep };
}

function tiltNear(question: Question, moments: LogMoments, tilt: number): number {
  const near = Math.log(tilt);
  return bestTilt((t) => question.boundAt(moments, t), near - LOG_TILTS_ABOUT, near + LOG_TILTS_ABOUT);
}

/**
 * The step at which a tolerance is used up, from above. Splitting a cell's mass adds h^2/6 of variance and half of that as
 * drift, hence tilt (tilt + 1) h^2/12 to each step's log moment and (tilt + 1) h^2/12 to epsilon.
 */
function stepFor(steps: number, tilt: number, epsilonTolerance: number): number {
  return powerOfTwoFrom(Math.sqrt((12 * epsilonTolerance) / (steps * (tilt + 1))));
}

/** What the steps' cells add to epsilon at most: h^2/8 where all mass lies in the middle of its cell. */
function cellError(steps: number, tilt: number, gridStep: number): number {
  return (steps * (tilt + 1) * gridStep ** 2) / 8;
}

const powerOfTwoFrom = (least: number): number => 2 ** Math.ceil(Math.log2(least));
