import { beforeAll, expect, it } from 'vitest';
import { exampleSet } from '../../../client-sdk/training/example-set.ts';
import { loadBackend } from '../../../client-sdk/training/load-backend.ts';
import { clippedSums, preparedModel, withModel } from '../../../client-sdk/training/prepared-model.ts';
import { chainModel, largestDifference, normals } from '../../support/chain-models.ts';

beforeAll(loadBackend);

const model = () => chainModel({ widths: [5, 4, 3], final: 'softmax' });
const labels = Uint8Array.from({ length: 20 }, (_, i) => i % 3);
const examples = exampleSet({ inputs: normals(100, 2), labels }, { inputLength: 5, outputLength: 3, classes: true });

it('computes a batch in parts of the physical size and adds them up to the same sum', async () => {
  const { chain, loss } = await withModel(model, preparedModel);
  const weights = normals(39, 1);
  const drawn = Uint32Array.from({ length: 17 }, (_, i) => i);
  const sumOf = (physicalBatchSize: number): Float64Array =>
    clippedSums({ chain, loss, examples, physicalBatchSize }, weights)(drawn, 0.5).sum;
  const [whole, parts] = [sumOf(Infinity), sumOf(7)];
  // Added up in another order: the parts were parts.
  expect(parts).not.toEqual(whole);
  expect(largestDifference(whole, parts)).toBeLessThan(1e-5);
  expect(whole.some((value) => Math.abs(value) > 0.1)).toBe(true);
  expect(clippedSums({ chain, loss, examples, physicalBatchSize: 7 }, weights)(new Uint32Array(), 0.5).sum).toEqual(
    new Float64Array(39),
  );
});
