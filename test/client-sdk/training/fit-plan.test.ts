import { expect, it, vi } from 'vitest';
import { plannedRelease } from '../../../client-sdk/training/fit-plan.ts';
import { trainingOf } from '../../../client-sdk/training/fit-options.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { wholeOrderLogMoment } from '../../../shared/accounting/whole-order-moment.ts';

vi.mock('../../../shared/accounting/whole-order-moment.ts', { spy: true });

const options = {
  dataset: { inputs: new Float32Array(), labels: [] },
  targetEpsilon: 3,
  targetDelta: 1e-5,
  clippingNormL2: 1,
  steps: 100,
  expectedBatchSize: 10,
  learningRate: 0.1,
};
const training = trainingOf(options, 1000);
const spent = { noiseMultiplier: 4, samplingRate: 0.02, steps: 50 };

it('computes what the history costs once, however often it is asked, and plans what the budget allows after it', () => {
  const history = [spent, { ...spent, noiseMultiplier: 3 }, spent];
  const planned = plannedRelease(training, options, history);
  const asked = vi.mocked(wholeOrderLogMoment).mock.calls.filter(([, samplingRate]) => samplingRate === 0.02);
  expect(new Set(asked.map(([order, , noise]) => `${order} ${noise}`)).size).toBe(asked.length);
  expect(asked.length).toBeGreaterThan(0);
  const after = (noiseMultiplier: number): number =>
    epsilonOf([...history, { ...planned, noiseMultiplier }], options.targetDelta);
  expect(after(planned.noiseMultiplier)).toBeLessThanOrEqual(3);
  expect(after(planned.noiseMultiplier * 0.999)).toBeGreaterThan(3);
});
