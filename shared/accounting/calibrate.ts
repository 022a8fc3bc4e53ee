// From a privacy budget to the noise it takes: done once per federation and stored with its terms, never per round.
// The result never overshoots: bisection keeps a side that meets the budget, and that side is returned.

import { InvariantError } from '../invariant-error.ts';
import { epsilonOf } from './epsilon.ts';

/** Less noise than this is never returned, however large the budget. */
const LEAST_NOISE_MULTIPLIER = 2 ** -10;
const LARGEST_NOISE_MULTIPLIER = 2 ** 20;
/** Halvings of a ratio of 2^30: leaves the result within 2e-11 of the best. */
const BISECTIONS = 40;
/** Share of the budget aimed at, so that the last bits of another engine's logarithms cannot pass the budget. */
const BUDGET_SHARE = 1 - 1e-9;

export interface CalibrationTarget {
  readonly samplingRate: number;
  /** All steps of the federation's life, rounds x steps per round. */
  readonly steps: number;
  /** The budget, > 0. */
  readonly epsilon: number;
  readonly delta: number;
}

/**
 * The least noise multiplier with `epsilonOf` at most the budget.
 * @throws InvariantError when no noise up to 2^20 meets the budget, or a figure is outside its range.
 */
export function calibrateNoiseMultiplier({ samplingRate, steps, epsilon, delta }: CalibrationTarget): number {
  if (!(epsilon > 0 && epsilon < Infinity)) {
    throw new InvariantError(`expected a finite epsilon above 0, found ${epsilon}`);
  }
  const meetsBudget = (noiseMultiplier: number): boolean =>
    epsilonOf([{ noiseMultiplier, samplingRate, steps }], delta) <= epsilon * BUDGET_SHARE;

  let [tooLittle, enough] = [LEAST_NOISE_MULTIPLIER, LARGEST_NOISE_MULTIPLIER];
  if (!meetsBudget(enough)) {
    throw new InvariantError(
      `expected a budget that some noise meets, found epsilon ${epsilon} at delta ${delta} for ${steps} steps ` +
        `at sampling rate ${samplingRate}: allow a larger epsilon or delta, fewer steps or a lower rate`,
    );
  }
  for (let i = 0; i < BISECTIONS; i++) {
    const between = Math.sqrt(tooLittle * enough);
    if (meetsBudget(between)) enough = between;
    else tooLittle = between;
  }
  return enough;
}
