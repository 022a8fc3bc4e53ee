// Epsilon and delta of Poisson-subsampled Gaussian steps by numerical composition, add/remove one example, the larger of
// both directions: for clients of few steps, where Renyi accounting shows up to five times the truth. Connect-the-dots, not
// PRV (Gopi, Lee and Wutschitz, arXiv 2106.02848): it loses steps x grid step^2 to one side, where PRV's bound on its own
// error, which it must add, goes by sqrt(steps) x grid step. Upper bounds: discretisation and lower tails are rounded up
// (`./loss-masses.ts`), upper tails count as infinite, rounding is bounded and added (`./composition.ts`).

import { InvariantError } from '../../invariant-error.ts';
import { composeEvents } from '../compose-events.ts';
import type { SampledGaussianEvent } from '../privacy-event.ts';
import { answerOnAdaptiveGrid, answerOnGrid, type GridAnswer, type LossesByGrid } from './adaptive-grid.ts';
import { lossRange, type StepLosses, stepLosses } from './loss-masses.ts';
import { deltaAt, epsilonAt, type Question } from './question.ts';

/** Stored beside every figure; changes with anything that can change it. */
export const PLD_ACCOUNTANT = 'pld-fft/1';
/** Below it no epsilon is given. */
export const SMALLEST_DELTA = 1e-30;

/** Share of delta that may be cut off as infinite loss, and what may be where there is no delta to go by. */
const CUT_SHARE = 1e-9;
const CUT_MASS = 1e-40;
/** Where the other direction is plainly smaller, a grid this much coarser shows it. */
const COARSER = 4;

/**
 * An epsilon that holds at delta, and how far at most it lies above the least that does. 0 for no events; Infinity as soon
 * as one step was taken without noise, and where one step may lose more than 500.
 * @throws InvariantError where delta is not between 1e-30 and 1 or an event is unsound.
 */
export function pldEpsilon(
  events: readonly SampledGaussianEvent[],
  delta: number,
): { epsilon: number; errorBound: number } {
  if (!(delta >= SMALLEST_DELTA && delta < 1)) {
    throw new InvariantError(`expected a delta from ${SMALLEST_DELTA} to below 1, found ${delta}`);
  }
  const { value, errorBound } = largerOf(events, delta * CUT_SHARE, {
    question: epsilonAt(delta),
    isNoMore: (epsilon, deltaOf) => deltaOf(epsilon) <= delta,
  });
  return { epsilon: value, errorBound };
}

/**
 * A delta that holds at epsilon, and how far at most it lies above the least that does; deltas below 1e-40 are not told
 * apart. 0 for no events; 1 as soon as one step was taken without noise.
 * @throws InvariantError where epsilon is not a finite number of at least 0 or an event is unsound.
 */
export function pldDelta(
  events: readonly SampledGaussianEvent[],
  epsilon: number,
): { delta: number; errorBound: number } {
  if (!(epsilon >= 0 && epsilon < Infinity)) {
    throw new InvariantError(`expected a finite epsilon of at least 0, found ${epsilon}`);
  }
  const { value, errorBound } = largerOf(events, CUT_MASS, {
    question: deltaAt(epsilon),
    isNoMore: (delta, deltaOf) => deltaOf(epsilon) <= delta,
  });
  return { delta: value, errorBound };
}

interface TwoSidedQuestion {
  readonly question: Question;
  /** Whether a direction with these deltas (upper bounds) has no larger an answer than this one. */
  isNoMore(answer: number, deltaOf: (epsilon: number) => number): boolean;
}

type Answer = Pick<GridAnswer, 'value' | 'errorBound'>;

function largerOf(events: readonly SampledGaussianEvent[], cutMass: number, asked: TwoSidedQuestion): Answer {
  const used = composeEvents(events);
  if (used.some(({ noiseMultiplier }) => noiseMultiplier === 0)) return { value: asked.question.worst, errorBound: 0 };
  const costly = used.filter(({ samplingRate }) => samplingRate > 0);
  if (costly.length === 0) return { value: 0, errorBound: 0 };
  const [remove, add] = bothDirections(costly, cutMass);

  const removing = answerOnAdaptiveGrid(asked.question, remove);
  const { value, gridStep, chernoffTilt } = removing;
  // Without sampling both directions are one; at epsilon 0 they have one delta; and more than the worst there is not.
  if (costly.every(({ samplingRate }) => samplingRate === 1)) return removing;
  if (value === 0 || value === asked.question.worst) return removing;
  const deltaOf = (epsilon: number): number =>
    answerOnGrid(deltaAt(epsilon), add, { gridStep: COARSER * gridStep, chernoffTilt });
  if (asked.isNoMore(value, deltaOf)) return removing;
  const adding = answerOnAdaptiveGrid(asked.question, add);
  return adding.value > value ? adding : removing;
}

function bothDirections(
  events: readonly SampledGaussianEvent[],
  cutMass: number,
): readonly [LossesByGrid, LossesByGrid] {
  const steps = events.reduce((sum, event) => sum + event.steps, 0);
  const byGrid = stepLossesByGrid(events, cutMass / steps);
  const span = Math.max(...events.map((event) => extent(lossRange(event, cutMass / steps))));
  const direction = (name: 'remove' | 'add'): LossesByGrid => ({
    at: (gridStep) => byGrid(gridStep).map((losses, i) => ({ losses: losses[name], steps: events[i]?.steps ?? NaN })),
    span,
    steps,
  });
  return [direction('remove'), direction('add')];
}

function stepLossesByGrid(
  events: readonly SampledGaussianEvent[],
  cutMass: number,
): (gridStep: number) => readonly StepLosses[] {
  const known = new Map<number, readonly StepLosses[]>();
  return (gridStep) => {
    const found = known.get(gridStep) ?? events.map((event) => stepLosses(event, gridStep, cutMass));
    known.set(gridStep, found);
    return found;
  };
}

const extent = ([least, largest]: readonly [number, number]): number => largest - least;
