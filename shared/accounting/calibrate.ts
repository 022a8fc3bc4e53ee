// From a privacy budget to the noise it takes, or to the steps it allows, by any accountant: done once per federation and
// stored with its terms, never per round. The result never overshoots: the side of the search that meets the budget is
// returned. An accountant other than RDP starts from RDP's answer, which it is close to and cheap.

import { InvariantError } from '../invariant-error.ts';
import type { Accountant } from './accountant.ts';
import { closeBracket, findBracket } from './budget-boundary.ts';
import { rdpAccountant } from './rdp-accountant.ts';

/** Less noise than this is never returned, however large the budget. */
const LEAST_NOISE_MULTIPLIER = 2 ** -10;
const LARGEST_NOISE_MULTIPLIER = 2 ** 20;
/** More steps than this are never returned, however large the budget. */
const MOST_STEPS = 2 ** 40;
/** Share of the budget aimed at, so that the last bits of another engine's logarithms cannot pass the budget. */
const BUDGET_SHARE = 1 - 1e-9;
/** How near the least noise the result is: relative. Numerical composition is rougher than that by itself. */
const PRECISION = { rdp: 1e-10, exact: 1e-10, pld: 1e-5 };

interface Budget {
  /** The budget, > 0. */
  readonly epsilon: number;
  readonly delta: number;
}

export interface CalibrationTarget extends Budget {
  readonly samplingRate: number;
  /** All steps of the federation's life, rounds x steps per round. */
  readonly steps: number;
}

export interface StepsTarget extends Budget {
  readonly samplingRate: number;
  readonly noiseMultiplier: number;
}

/**
 * The least noise multiplier with an epsilon of at most the budget, by the accountant's reckoning.
 * @throws InvariantError when no noise up to 2^20 meets the budget, or a figure is outside its range.
 */
export function calibrateNoiseMultiplier(target: CalibrationTarget, accountant: Accountant = rdpAccountant): number {
  requireBudget(target);
  const { samplingRate, steps, epsilon, delta } = target;
  const excessAt = (noiseMultiplier: number): number =>
    excessOf(accountant.epsilon([{ noiseMultiplier, samplingRate, steps }], delta).epsilon, target);
  const bracket = findBracket({
    trialAt: (at) => ({ at, excess: excessAt(at) }),
    from: accountant === rdpAccountant ? 1 : calibrateNoiseMultiplier(target),
    ratio: accountant === rdpAccountant ? 2 : NEARBY,
    cheaper: (noiseMultiplier, factor) => Math.min(noiseMultiplier * factor, LARGEST_NOISE_MULTIPLIER),
    dearer: (noiseMultiplier, factor) => Math.max(noiseMultiplier / factor, LEAST_NOISE_MULTIPLIER),
  });
  if ('at' in bracket) {
    if (bracket.excess <= 0) return bracket.at;
    throw new InvariantError(
      `expected a budget that some noise meets, found epsilon ${epsilon} at delta ${delta} for ${steps} steps ` +
        `at sampling rate ${samplingRate}: allow a larger epsilon or delta, fewer steps or a lower rate`,
    );
  }
  const precision = PRECISION[accountant.name];
  return closeBracket(bracket, {
    excessAt,
    snap: (at, { fails, meets }) => within(at, fails.at * (1 + precision / 2), meets.at * (1 - precision / 2)),
    isClosed: ({ fails, meets }) => meets.at <= fails.at * (1 + precision),
  });
}

/**
 * The most steps with an epsilon of at most the budget, by the accountant's reckoning: 0 where not even one is, at most
 * 2^40. @throws InvariantError when a figure is outside its range.
 */
export function calibrateSteps(target: StepsTarget, accountant: Accountant = rdpAccountant): number {
  requireBudget(target);
  const { samplingRate, noiseMultiplier, delta } = target;
  const excessAt = (steps: number): number =>
    excessOf(accountant.epsilon([{ noiseMultiplier, samplingRate, steps }], delta).epsilon, target);
  const bracket = findBracket({
    trialAt: (at) => ({ at, excess: excessAt(at) }),
    from: accountant === rdpAccountant ? 1 : Math.max(1, calibrateSteps(target)),
    ratio: accountant === rdpAccountant ? 2 : NEARBY,
    cheaper: (steps, factor) => Math.max(1, Math.floor(steps / factor)),
    dearer: (steps, factor) => Math.min(MOST_STEPS, Math.ceil(steps * factor)),
  });
  if ('at' in bracket) return bracket.excess <= 0 ? bracket.at : 0;
  return closeBracket(bracket, {
    excessAt,
    snap: (at, { fails, meets }) => within(Math.round(at), meets.at + 1, fails.at - 1),
    isClosed: ({ fails, meets }) => fails.at - meets.at <= 1,
  });
}

/** First factor tried from the answer of RDP. */
const NEARBY = 1.1;

/** Above 0 where the budget is passed. */
const excessOf = (cost: number, { epsilon }: Budget): number => Math.log(cost / (epsilon * BUDGET_SHARE));

const within = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

/** @throws InvariantError */
function requireBudget({ epsilon }: Budget): void {
  if (!(epsilon > 0 && epsilon < Infinity)) {
    throw new InvariantError(`expected a finite epsilon above 0, found ${epsilon}`);
  }
}
