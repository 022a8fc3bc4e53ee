// How far a budget reaches, the history behind it counted: how many steps of one kind it still allows, and how much
// noise so many steps need. Both ask the accountant and keep the side that it allows, so that neither overshoots.

import type { Accountant } from '../../shared/accounting/accountant.ts';
import { calibrateNoiseMultiplier } from '../../shared/accounting/calibrate.ts';
import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { RefusedError, refuse } from '../../shared/protocol/refusals.ts';

export interface Budget {
  readonly epsilon: number;
  readonly delta: number;
  /** All that was released on the same examples before. */
  readonly history: readonly SampledGaussianEvent[];
  /** The enforced one; one that remembers the history computes what it costs once. */
  readonly accountant: Accountant;
}

const LARGEST_NOISE_MULTIPLIER = 2 ** 20;
/** Halvings of the ratio of 2^20 and more: leaves the result within 1e-6 of the least. */
const BISECTIONS = 25;

/** Of the planned steps as many as the budget allows, from the first: 0 to `planned.steps`. */
export function affordableSteps(planned: SampledGaussianEvent, budget: Budget): number {
  const affords = (steps: number): boolean => fits({ ...planned, steps }, budget);
  if (affords(planned.steps)) return planned.steps;
  let [allowed, refused] = [0, planned.steps];
  while (refused - allowed > 1) {
    const between = Math.floor((allowed + refused) / 2);
    if (affords(between)) allowed = between;
    else refused = between;
  }
  return allowed;
}

/** The least noise multiplier under which all the steps fit. @throws RefusedError budget-exhausted where none up to 2^20 does. */
export function leastNoiseMultiplier(planned: Omit<SampledGaussianEvent, 'noiseMultiplier'>, budget: Budget): number {
  const { epsilon, delta, history } = budget;
  const alone = calibrateNoiseMultiplier({ ...planned, epsilon, delta });
  if (history.length === 0) return alone;
  const meets = (noiseMultiplier: number): boolean => fits({ ...planned, noiseMultiplier }, budget);
  let [tooLittle, enough] = [alone, LARGEST_NOISE_MULTIPLIER];
  if (!meets(enough)) throw nothingLeft(budget);
  for (let i = 0; i < BISECTIONS; i++) {
    const between = Math.sqrt(tooLittle * enough);
    if (meets(between)) enough = between;
    else tooLittle = between;
  }
  return enough;
}

function nothingLeft({ epsilon, delta, history, accountant }: Budget): RefusedError {
  const { refusal } = refuse('budget-exhausted', {
    expected: `at most epsilon ${epsilon} at delta ${delta}`,
    found: `epsilon ${accountant.epsilon(history, delta).epsilon.toFixed(3)} spent before, which leaves nothing for any noise`,
    hint: 'allow a larger epsilon, or train on other examples',
  });
  return new RefusedError(refusal);
}

const fits = (event: SampledGaussianEvent, { epsilon, delta, history, accountant }: Budget): boolean =>
  accountant.epsilon([...history, event], delta).epsilon <= epsilon;
