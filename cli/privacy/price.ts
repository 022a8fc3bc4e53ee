// Epsilon as the command shows it, always with what it means, and noise that is rounded up for people without passing the
// budget.

import type { Accountant, EpsilonBound } from '../../shared/accounting/accountant.ts';
import { calibrateNoiseMultiplier, type CalibrationTarget } from '../../shared/accounting/calibrate.ts';
import { sampledGaussian, type SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';

/** The keys of JSON; epsilon is null there where it is infinite. */
export interface ShownEpsilon {
  readonly epsilon: number;
  readonly delta: number;
  readonly accountant: string;
  readonly accountantVersion: string;
  readonly adjacency: 'add-remove';
  readonly unit: 'example';
  readonly order: number | null;
  readonly errorBound: number | null;
}

export function shownEpsilon(bound: EpsilonBound, delta: number, { name, version }: Accountant): ShownEpsilon {
  const { epsilon, order, errorBound } = bound;
  const meaning = { adjacency: 'add-remove', unit: 'example' } as const;
  return { epsilon, delta, accountant: name, accountantVersion: version, ...meaning, order, errorBound };
}

export interface PricedNoise {
  readonly noiseMultiplier: number;
  /** What it really costs. */
  readonly bound: EpsilonBound;
}

const DECIMALS = 1e4;

/**
 * The least noise multiplier of four decimals that meets the budget.
 * @throws InvariantError where no noise does
 */
export function pricedNoise(target: CalibrationTarget, accountant: Accountant): PricedNoise {
  const { samplingRate, steps, epsilon, delta } = target;
  const least = calibrateNoiseMultiplier(target, accountant);
  for (let units = Math.ceil(least * DECIMALS); ; units++) {
    const noiseMultiplier = units / DECIMALS;
    const event: SampledGaussianEvent = sampledGaussian(noiseMultiplier, samplingRate, steps);
    const bound = accountant.epsilon([event], delta);
    if (bound.epsilon <= epsilon) return { noiseMultiplier, bound };
  }
}
