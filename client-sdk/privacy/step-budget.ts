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

/** A rest of the budget that needs more noise than so many times what the same steps need alone is no budget to train on. */
const MOST_OF_ALONE = 100;
/** Halvings of a ratio of 100: leaves the result within 2e-7 of the least. */
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

/**
 * The least noise multiplier under which all the steps fit.
 * @throws RefusedError budget-exhausted where that is more than 100 times what they would need without the history.
 */
export function leastNoiseMultiplier(planned: Omit<SampledGaussianEvent, 'noiseMultiplier'>, budget: Budget): number {
  const { epsilon, delta, history } = budget;
  const alone = calibrateNoiseMultiplier({ ...planned, epsilon, delta });
  if (history.length === 0) return alone;
  const meets = (noiseMultiplier: number): boolean => fits({ ...planned, noiseMultiplier }, budget);
  let [tooLittle, enough] = [alone, MOST_OF_ALONE * alone];
  if (!meets(enough)) throw tooLittleLeft({ ...planned, noiseMultiplier: alone }, budget);
  for (let i = 0; i < BISECTIONS; i++) {
    const between = Math.sqrt(tooLittle * enough);
    if (meets(between)) enough = between;
    else tooLittle = between;
  }
  return enough;
}

function tooLittleLeft(alone: SampledGaussianEvent, budget: Budget): RefusedError {
  const { epsilon, delta, history, accountant } = budget;
  const spent = accountant.epsilon(history, delta).epsilon.toFixed(3);
  const noise = alone.noiseMultiplier.toPrecision(3);
  const { refusal } = refuse('budget-exhausted', {
    message:
      'what is left of the privacy budget allows the planned steps only under so much noise that hardly anything is learnt',
    expected: `at most epsilon ${epsilon} at delta ${delta}`,
    found:
      `epsilon ${spent} spent before, which leaves ${affordableSteps(alone, budget)} of ${alone.steps} steps under the ` +
      `noise multiplier ${noise} that they would need alone, and all of them under none up to ${MOST_OF_ALONE} times that`,
    hint: 'allow a larger epsilon, train on other examples, or give a noiseMultiplier: then as many steps as fit are made',
  });
  return new RefusedError(refusal);
}

const fits = (event: SampledGaussianEvent, { epsilon, delta, history, accountant }: Budget): boolean =>
  accountant.epsilon([...history, event], delta).epsilon <= epsilon;
