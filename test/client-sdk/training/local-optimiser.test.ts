import { describe, expect, it } from 'vitest';
import { localOptimiser, type OptimiserStep } from '../../../client-sdk/training/local-optimiser.ts';
import type { LocalOptimiser } from '../../../shared/protocol/terms.ts';
import { fc } from '../../support/properties.ts';

const adam: LocalOptimiser = { name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** The sum of the changes after gradients of one parameter, one rate a step. */
const after = (step: OptimiserStep, gradients: readonly number[], rate: number): number =>
  gradients.reduce((sum, gradient) => sum + (step(Float64Array.of(gradient), rate)[0] ?? NaN), 0);

describe('localOptimiser', () => {
  it('is gradient descent under sgd, and under momentum without memory', () => {
    const gradients = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(gradients, (given) => {
        const expected = given.reduce((sum, gradient) => sum - 0.5 * gradient, 0);
        expect(after(localOptimiser({ name: 'sgd' }, 1), given, 0.5)).toBe(expected);
        expect(after(localOptimiser({ name: 'momentum', beta: 0 }, 1), given, 0.5)).toBe(expected);
      }),
      { seed: 1 },
    );
  });

  it('keeps a velocity under momentum, each parameter its own', () => {
    const step = localOptimiser({ name: 'momentum', beta: 0.9 }, 2);
    expect([...step(Float64Array.of(1, 0), 0.1)]).toEqual([-0.1, -0]);
    const [one, other] = step(Float64Array.of(1, 2), 0.1);
    expect([one, other]).toEqual([expect.closeTo(-0.19, 12), expect.closeTo(-0.2, 12)]);
  });

  it('moves by the learning rate against the sign of the first gradient under Adam, however large it is', () => {
    for (const gradient of [1e-3, -7, 1e5]) {
      expect(after(localOptimiser(adam, 1), [gradient], 0.01)).toBeCloseTo(-0.01 * Math.sign(gradient), 6);
    }
  });

  it('is what the papers’ sums make of the same gradients', () => {
    // test/oracles/local_optimisers.py
    const gradients = [0.5, -1, 2, 0.25];
    expect(after(localOptimiser(adam, 1), gradients, 0.1)).toBeCloseTo(-0.14583500434054514, 12);
    expect(after(localOptimiser({ name: 'momentum', beta: 0.8 }, 1), gradients, 0.1)).toBeCloseTo(-0.2886, 12);
  });
});
