import { describe, expect, it } from 'vitest';
import { normBound } from '../../../../server/update/anomaly/norm-bound.ts';
import { localOptimiser } from '../../../../client-sdk/training/local-optimiser.ts';
import type { LocalOptimiser, TrainingTerms } from '../../../../shared/protocol/terms.ts';
import { checks, training } from './intact-updates.ts';
import { fc } from '../../../support/properties.ts';

const none = { mode: 'none' } as const;

/** The largest |value| on the way, gradients of one parameter through the real optimiser. */
function reach(optimiser: LocalOptimiser, gradients: readonly number[], { rates, mu }: Way): number {
  const step = localOptimiser(optimiser, 1);
  let update = 0;
  gradients.forEach((gradient, i) => {
    update += step(Float64Array.of(gradient + mu * update), rates[i] ?? NaN)[0] ?? NaN;
  });
  return Math.abs(update);
}

interface Way {
  readonly rates: Float64Array;
  readonly mu: number;
}

describe('the bound on the norm under an optimiser', () => {
  const ways = fc.record({
    rates: fc.array(fc.double({ min: 0.1, max: 2, noNaN: true }), { minLength: 1, maxLength: 12 }),
    beta: fc.double({ min: 0, max: 0.95, noNaN: true }),
    mu: fc.constantFrom(0, 0.1),
  });

  it('is passed by no client whose steps hold twice the expected examples, all at the clipping norm', () => {
    fc.assert(
      fc.property(ways, ({ rates: list, beta, mu }) => {
        const rates = Float64Array.from(list);
        const optimiser = { name: 'momentum', beta } as const;
        const terms: TrainingTerms = { ...training, stepsPerRound: rates.length, optimiser, proximalTerm: mu };
        const bound = normBound({ training: terms, privacy: none, rates, parameters: 1, checks });
        const { clippingNormL2: gradient } = training;
        // Twice the batch, one way all along.
        const twice = reach(optimiser, [...rates].fill(2 * gradient), { rates, mu });
        expect(twice).toBeLessThanOrEqual(bound * (1 + 1e-9));
        // Without a proximal term it comes as far as the bound, where batches are large enough for twice to be the bound.
        const many = { ...terms, expectedBatchSize: 1e5 };
        const close = normBound({ training: many, privacy: none, rates, parameters: 1, checks });
        if (mu === 0) expect(twice).toBeCloseTo(close, 6);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it('leaves batches their tail in the steps that weigh, where a schedule lets few of them weigh', () => {
    const terms = { ...training, expectedBatchSize: 4, stepsPerRound: 10 };
    const even = normBound({
      training: terms,
      privacy: none,
      rates: new Float64Array(10).fill(0.1),
      parameters: 1,
      checks,
    });
    const rates = Float64Array.from({ length: 10 }, (_, step) => (step === 0 ? 1 - 9e-9 : 1e-9));
    // The same sum of rates: but one batch of 4 more easily holds many times what was expected than ten do together.
    expect(normBound({ training: terms, privacy: none, rates, parameters: 1, checks })).toBeGreaterThan(1.5 * even);
  });

  it('is passed by no sequence of gradients under Adam, and reached by the first step', () => {
    const sequences = fc.record({
      gradients: fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 20 }),
      growth: fc.double({ min: 0.5, max: 20, noNaN: true }),
      beta1: fc.constantFrom(0, 0.5, 0.9),
      beta2: fc.constantFrom(0.9, 0.99, 0.999),
    });
    const boundOf = (optimiser: LocalOptimiser, steps: number): number =>
      normBound({
        training: {
          ...training,
          learningRate: 0.1,
          stepsPerRound: steps,
          optimiser,
        },
        privacy: none,
        parameters: 1,
        checks,
      });
    fc.assert(
      fc.property(sequences, ({ gradients, growth, beta1, beta2 }) => {
        const optimiser = { name: 'adam', beta1, beta2, epsilon: 1e-12 } as const;
        const steps = gradients.length;
        const rates = new Float64Array(steps).fill(0.1);
        const growing = gradients.map((_, i) => growth ** i);
        for (const given of [gradients, growing]) {
          expect(reach(optimiser, given, { rates, mu: 0 })).toBeLessThanOrEqual(boundOf(optimiser, steps) * (1 + 1e-9));
        }
      }),
      { seed: 1 },
    );
    expect(boundOf({ name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }, 1)).toBeCloseTo(0.1, 12);
  });

  it('under Adam is that of one value in each of d directions', () => {
    const optimiser = { name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
    const bound = (parameters: number): number =>
      normBound({ training: { ...training, optimiser }, privacy: none, parameters, checks });
    expect(bound(400)).toBeCloseTo(20 * bound(1), 9);
  });
});
