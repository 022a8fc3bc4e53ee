// Privacy events in, the distribution of their composed privacy loss out, in both directions of add/remove adjacency: what
// an observer who sees every release finds when an example was there, and when it was not. It is what epsilon is computed
// from (`./pld.ts`), read as a distribution and not as a bound on its tail: an audit compares observations with it.
// The loss is log P/Q where an example was removed (observations by P) and log Q/P where one was added (by Q).
// Discretisation widens the loss of each of T steps of grid step h by at most h^2/4 in variance: the grid is refined until
// this is nothing beside the middle half of all losses, some 1e-4 of it. Untilted, since the bulk is what is asked for.

import { InvariantError } from '../../invariant-error.ts';
import { composeEvents } from '../compose-events.ts';
import type { PrivacyEvent, SampledGaussianEvent } from '../privacy-event.ts';
import { composeTilted } from './composition.ts';
import { bestTilt, type LogMoments, logMoments, type RepeatedLoss } from './log-moments.ts';
import { lossRange, stepLosses, type StepLosses } from './loss-masses.ts';

export interface LossDistribution {
  /** Probability of at most this loss; to some 1e-4, infinite losses left out. */
  atMost(loss: number): number;
}

export interface LossDistributions {
  readonly remove: LossDistribution;
  readonly add: LossDistribution;
}

/** On either side of the distribution; Chernoff's bound of it says how far the grid reaches. */
const CUT_MASS = 1e-7;
const COARSE_CELLS = 2 ** 10;
const MOST_POINTS = 2 ** 20;
/** Natural logarithms of the tilts tried for the two ends: for losses of 1e-8 as for those of 1e5. */
const LOG_TILTS = [-12, 20] as const;
/** Points of the grid in the middle half of the losses, and per root of the number of steps. */
const LEAST_POINTS = 128;
const POINTS_PER_ROOT_STEP = 50;
/** What may be missing at infinity, or too much through rounding upwards: masses are then taken as shares of their sum. */
const MASS_TOLERANCE = 1e-3;

/**
 * Undefined where no grid that fits into memory shows it: the losses are too rare and too large, or infinite.
 * @throws InvariantError for unsound events, and for a history that cannot show anything.
 */
export function lossDistributions(events: readonly PrivacyEvent[]): LossDistributions | undefined {
  const used = composeEvents(events).filter(({ samplingRate }) => samplingRate > 0);
  if (used.length === 0) throw new InvariantError('expected a step that examples can take part in, found none');
  if (used.some(({ noiseMultiplier }) => noiseMultiplier === 0)) return undefined;
  const remove = onFineGrid(used, 'remove');
  // Without sampling both directions are one.
  const add = used.every(({ samplingRate }) => samplingRate === 1) ? remove : onFineGrid(used, 'add');
  return remove && add && { remove, add };
}

function onFineGrid(
  events: readonly SampledGaussianEvent[],
  direction: keyof StepLosses,
): LossDistribution | undefined {
  const steps = events.reduce((sum, event) => sum + event.steps, 0);
  const cut = CUT_MASS / steps;
  const span = Math.max(...events.map((event) => lossRange(event, cut)).map(([least, largest]) => largest - least));
  const pointsWanted = Math.max(LEAST_POINTS, POINTS_PER_ROOT_STEP * Math.sqrt(steps));
  let gridStep = 2 ** Math.floor(Math.log2(span / COARSE_CELLS));
  for (; span / gridStep <= MOST_POINTS; gridStep /= 4) {
    const step = gridStep;
    const composed = events.map((event) => ({ losses: stepLosses(event, step, cut)[direction], steps: event.steps }));
    const grid = composedGrid(composed, gridStep);
    if (!grid) return undefined;
    if (quantileIndex(grid, 3 / 4) - quantileIndex(grid, 1 / 4) >= pointsWanted) return distributionOn(grid);
  }
  return undefined;
}

interface Grid {
  readonly gridStep: number;
  readonly firstIndex: number;
  /** Mass up to and with each point. */
  readonly cumulative: Float64Array;
}

/** Undefined where it takes too many points, or the masses do not come to 1. */
function composedGrid(composed: readonly RepeatedLoss[], gridStep: number): Grid | undefined {
  const moments = logMoments(composed);
  if (!(Math.abs(Math.expm1(moments.at(0))) <= MASS_TOLERANCE)) return undefined;
  const firstIndex = Math.floor(-chernoffEnd(moments, -1) / gridStep);
  const size = 2 ** Math.ceil(Math.log2(chernoffEnd(moments, 1) / gridStep - firstIndex + 2));
  if (!(size <= MOST_POINTS)) return undefined;
  const { tilted } = composeTilted(composed, 0, size);
  const offset = ((firstIndex % size) + size) % size;
  let sum = 0;
  const cumulative = tilted.map((_, i) => (sum += Math.max(0, tilted[(offset + i) % size] ?? NaN)));
  return { gridStep, firstIndex, cumulative };
}

/** At most the cut mass lies beyond it, upwards (sign 1) or, with its sign turned, downwards (-1). */
function chernoffEnd(moments: LogMoments, sign: 1 | -1): number {
  const endAt = (tilt: number): number => (moments.at(sign * tilt) - Math.log(CUT_MASS)) / tilt;
  return endAt(bestTilt(endAt, ...LOG_TILTS));
}

const quantileIndex = ({ cumulative }: Grid, share: number): number => cumulative.findIndex((sum) => sum >= share);

/** Between the points the mass of each is spread over half a cell on either side. */
function distributionOn({ gridStep, firstIndex, cumulative }: Grid): LossDistribution {
  return {
    atMost(loss) {
      const place = loss / gridStep - firstIndex + 1 / 2;
      const i = Math.floor(place);
      if (i < 0) return 0;
      const [before, upTo] = [cumulative[i - 1] ?? 0, cumulative[i] ?? 1];
      return i >= cumulative.length ? 1 : Math.min(1, before + (place - i) * (upTo - before));
    },
  };
}
