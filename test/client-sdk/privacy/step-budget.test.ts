import { expect, it } from 'vitest';
import { affordableSteps, leastNoiseMultiplier } from '../../../client-sdk/privacy/step-budget.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { calibrateNoiseMultiplier } from '../../../shared/accounting/calibrate.ts';
import { rdpAccountant } from '../../../shared/accounting/rdp-accountant.ts';
import { RefusedError } from '../../../shared/protocol/refusals.ts';
import { fc } from '../../support/properties.ts';

const delta = 1e-5;
const events = fc.record({
  noiseMultiplier: fc.double({ min: 0.6, max: 4, noNaN: true }),
  samplingRate: fc.double({ min: 0.01, max: 1, noNaN: true }),
  steps: fc.integer({ min: 1, max: 40 }),
});
const budgets = fc.record({
  epsilon: fc.double({ min: 0.1, max: 20, noNaN: true }),
  history: fc.array(events, { maxLength: 2 }),
});

it('affords steps as long as they fit with the history, and not one more', () => {
  fc.assert(
    fc.property(events, budgets, (planned, { epsilon, history }) => {
      const steps = affordableSteps(planned, { epsilon, delta, history, accountant: rdpAccountant });
      const after = (made: number): number => epsilonOf([...history, { ...planned, steps: made }], delta);
      if (steps > 0) expect(after(steps)).toBeLessThanOrEqual(epsilon);
      if (steps < planned.steps) expect(after(steps + 1)).toBeGreaterThan(epsilon);
      expect(steps).toBeLessThanOrEqual(planned.steps);
    }),
    { seed: 1, numRuns: 40 },
  );
});

it('finds the least noise that keeps the budget with the history, and refuses more than 100 times what it takes alone', () => {
  fc.assert(
    fc.property(events, budgets, ({ samplingRate, steps }, { epsilon, history }) => {
      const after = (noiseMultiplier: number): number =>
        epsilonOf([...history, { noiseMultiplier, samplingRate, steps }], delta);
      const find = (): number =>
        leastNoiseMultiplier({ samplingRate, steps }, { epsilon, delta, history, accountant: rdpAccountant });
      const alone = calibrateNoiseMultiplier({ samplingRate, steps, epsilon, delta });
      if (history.length > 0 && after(100 * alone) > epsilon) {
        expect(find).toThrow(RefusedError);
        return;
      }
      const least = find();
      expect(after(least)).toBeLessThanOrEqual(epsilon);
      expect(after(least * 0.999)).toBeGreaterThan(epsilon);
    }),
    { seed: 1, numRuns: 12 },
  );
});
