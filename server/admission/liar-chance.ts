// How likely a uniformly drawn cohort holds more liars than its f: the size of a population, its liars and a cohort in,
// a probability per round and over all rounds out. The guarantee of every rule holds only while this does not happen.

import { InvariantError } from '../../shared/invariant-error.ts';

export interface LiarDraw {
  readonly population: number;
  readonly liars: number;
  /** Clients drawn for a round, without replacement. */
  readonly cohort: number;
  /** Liars tolerated in a cohort, as a number of clients. */
  readonly f: number;
  readonly rounds: number;
}

export interface LiarChance {
  /** That one cohort holds more than f liars. */
  readonly perRound: number;
  /** That one of `rounds` independent cohorts does. */
  readonly overall: number;
}

/** @throws InvariantError where a figure is no whole number from 0 on, or liars or cohort exceed the population. */
export function liarChance(draw: LiarDraw): LiarChance {
  checkDraw(draw);
  const perRound = upperTail(draw);
  if (perRound === 1) return { perRound, overall: draw.rounds === 0 ? 0 : 1 };
  return { perRound, overall: -Math.expm1(draw.rounds * Math.log1p(-perRound)) };
}

function checkDraw(draw: LiarDraw): void {
  const { population, liars, cohort, f, rounds } = draw;
  const whole = [population, liars, cohort, f, rounds].every((count) => Number.isSafeInteger(count) && count >= 0);
  if (whole && liars <= population && cohort <= population) return;
  throw new InvariantError(`expected whole numbers, liars and cohort within the population: ${JSON.stringify(draw)}`);
}

/**
 * P(X > f) of the hypergeometric distribution (Johnson, Kemp and Kotz, Univariate Discrete Distributions, 3rd ed.,
 * chapter 6). Summed outwards from its largest term by the ratio of neighbours: all terms are positive and none exceeds
 * the first, so that nothing cancels or overflows.
 */
function upperTail(draw: LiarDraw): number {
  const { population, liars, cohort, f } = draw;
  const [least, most] = [Math.max(0, cohort + liars - population), Math.min(liars, cohort)];
  if (f >= most) return 0;
  if (f < least) return 1;
  const mode = Math.floor(((cohort + 1) / (population + 2)) * (liars + 1));
  const start = Math.min(most, Math.max(f + 1, mode));
  let [sum, term] = [1, 1];
  for (let k = start; k < most && term > 0; k++) sum += term *= risingRatio(draw, k);
  term = 1;
  for (let k = start; k > f + 1 && term > 0; k--) sum += term /= risingRatio(draw, k - 1);
  return Math.min(1, Math.exp(logProbability(draw, start)) * sum);
}

/** P(X = k + 1) / P(X = k). */
function risingRatio({ population, liars, cohort }: LiarDraw, k: number): number {
  return (((liars - k) / (k + 1)) * (cohort - k)) / (population - liars - cohort + k + 1);
}

/**
 * log P(X = k): the ways to place k liars in a sequence of draws, times the chance to draw them first and honest clients
 * after. The factors of the chance are all at most 1, so that their logs add up without cancelling.
 */
function logProbability({ population, liars, cohort }: LiarDraw, k: number): number {
  let log = 0;
  for (let i = 0; i < k; i++) {
    log += Math.log((cohort - i) / (k - i)) + Math.log((liars - i) / (population - i));
  }
  const honest = population - liars;
  for (let j = 0; j < cohort - k; j++) log += Math.log((honest - j) / (population - k - j));
  return log;
}
