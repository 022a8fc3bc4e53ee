import { describe, expect, it } from 'vitest';
import { noiseStdDevPerParameter, stepWeights } from '../../../shared/accounting/noise-scale.ts';
import type { PrivacyTerms, TrainingTerms } from '../../../shared/protocol/terms.ts';
import { fc } from '../../support/properties.ts';

const training: TrainingTerms = {
  learningRate: 0.3,
  stepsPerRound: 7,
  samplingRate: 0.1,
  expectedBatchSize: 40,
  clippingNormL2: 1.5,
};
const privacy: PrivacyTerms = {
  mode: 'local',
  noiseMultiplier: 1.1,
  epsilonBudget: 8,
  delta: 1e-4,
  adjacency: 'add-remove',
  unit: 'example',
  void: false,
};
const perStep = (1.1 * 1.5) / 40;

/** The update after one unit of gradient in step `at` and none in the others, by the recursion forwards. */
function responseTo(at: number, { rates, beta, mu }: { rates: readonly number[]; beta: number; mu: number }): number {
  let [velocity, update] = [0, 0];
  rates.forEach((rate, step) => {
    velocity = beta * velocity + (step === at ? 1 : 0) + mu * update;
    update -= rate * velocity;
  });
  return update;
}

describe('stepWeights', () => {
  it('are what one unit of gradient in each step alone does to the update, whatever optimiser, term and rates', () => {
    const cases = fc.record({
      rates: fc.array(fc.double({ min: 0.01, max: 2, noNaN: true }), { minLength: 1, maxLength: 12 }),
      beta: fc.double({ min: 0, max: 0.99, noNaN: true }),
      mu: fc.constantFrom(0, 0.01, 0.5),
    });
    fc.assert(
      fc.property(cases, ({ rates, beta, mu }) => {
        const terms: TrainingTerms = { ...training, optimiser: { name: 'momentum', beta }, proximalTerm: mu };
        const weights = stepWeights(terms, Float64Array.from(rates));
        rates.forEach((_, at) => expect(-(weights[at] ?? NaN)).toBeCloseTo(responseTo(at, { rates, beta, mu }), 9));
      }),
      { seed: 1 },
    );
  });

  it('are the closed sums: r under SGD, r (1 - beta^k) / (1 - beta) under momentum with k steps to go', () => {
    const rates = new Float64Array(5).fill(0.3);
    expect(stepWeights(training, rates)).toEqual(rates);
    expect(stepWeights({ ...training, optimiser: { name: 'sgd' } }, rates)).toEqual(rates);
    const momentum = stepWeights({ ...training, optimiser: { name: 'momentum', beta: 0.9 } }, rates);
    momentum.forEach((weight, step) => expect(weight).toBeCloseTo((0.3 * (1 - 0.9 ** (5 - step))) / 0.1, 12));
    // A proximal term alone draws an earlier step back by 1 - r mu in every later one.
    const proximal = stepWeights({ ...training, proximalTerm: 0.5 }, rates);
    proximal.forEach((weight, step) => expect(weight).toBeCloseTo(0.3 * 0.85 ** (4 - step), 12));
  });

  it('do not exist for Adam', () => {
    const optimiser = { name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
    expect(() => stepWeights({ ...training, optimiser }, new Float64Array(5))).toThrow(/linear/);
  });
});

describe('noiseStdDevPerParameter', () => {
  it('is learning rate x noise multiplier x C / batch x sqrt(steps) under plain SGD, and 0 without noise', () => {
    expect(noiseStdDevPerParameter(training, privacy)).toBeCloseTo(perStep * 0.3 * Math.sqrt(7), 15);
    expect(noiseStdDevPerParameter(training, { mode: 'none' })).toBe(0);
  });

  it('is the root of the summed squares of a schedule’s rates, which have to be given', () => {
    const scheduled = { ...training, learningRateSchedule: '1 / (1 + step)' };
    const rates = Float64Array.from({ length: 7 }, (_, step) => 0.3 / (1 + step));
    expect(noiseStdDevPerParameter(scheduled, privacy, rates)).toBeCloseTo(perStep * Math.hypot(...rates), 15);
    expect(() => noiseStdDevPerParameter(scheduled, privacy)).toThrow(/rates of a schedule/);
  });
});
