import { beforeAll, describe, expect, it } from 'vitest';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import {
  type CentralDigits,
  type CentralRun,
  type CentralTask,
  trainCentrally,
} from '../../../simulation/central-training/train-centrally.ts';
import { loadDigits, splitDigits, takeDigits } from '../../../simulation/digits.ts';

const task: CentralTask = {
  epsilon: 8,
  delta: 1e-5,
  epochs: 2,
  expectedBatchSize: 80,
  clippingNormL2: 0.5,
  learningRate: 0.5,
  momentum: 0.9,
};
const neverAborted = new AbortController().signal;
const told: [number, number][] = [];
let digits: CentralDigits;
let run: CentralRun;

beforeAll(async () => {
  const all = await loadDigits();
  const places = splitDigits(all, { clients: 1, seed: 2 });
  const [trained, judged] = [places.shards.flat().slice(0, 200), places.heldOut.slice(0, 100)];
  digits = { trained: takeDigits(all, trained), judged: takeDigits(all, judged) };
  run = await trainCentrally(digits, task, {
    seed: 5,
    signal: neverAborted,
    onEpoch: (epoch, accuracy) => told.push([epoch, accuracy]),
  });
});

describe('central training', () => {
  it('has a point for the first weights and for each epoch, and tells of the epochs as they end', () => {
    expect(run.samplingRate).toBe(0.4);
    expect(run.steps).toBe(5);
    // An epoch is 2.5 steps: the first has ended with the third, the second with the fifth.
    expect(run.curve.map(({ step }) => step)).toEqual([0, 3, 5]);
    expect(run.curve.map(({ epoch }) => epoch)).toEqual([0, 3 * 0.4, 2]);
    expect(told).toEqual(run.curve.slice(1).map(({ epoch, accuracy }) => [epoch, accuracy]));
  });

  it('says at each point what was spent until then, in the end all of the budget and no more', () => {
    const { noiseMultiplier, samplingRate } = run;
    const spent = run.curve.map(({ epsilon }) => epsilon);
    expect(spent[0]).toBe(0);
    expect(spent[1]).toBe(epsilonOf([{ noiseMultiplier, samplingRate, steps: 3 }], task.delta));
    expect(spent[2]).toBe(run.epsilon);
    expect(run.epsilon).toBeLessThanOrEqual(8);
    expect(run.epsilon).toBeGreaterThan(7.99);
  });

  it('judges the weights of the moment: the last point is the run’s accuracy, and learning has moved it', () => {
    expect(run.accuracy).toBe(run.curve.at(-1)?.accuracy);
    expect(run.accuracy).not.toBe(run.curve[0]?.accuracy);
  });

  it('begins from the weights of its seed, whatever the noise', async () => {
    const again = await trainCentrally(digits, { ...task, epochs: 1, momentum: 0 }, { seed: 5, signal: neverAborted });
    expect(again.curve[0]).toEqual(run.curve[0]);
    expect(again.noiseMultiplier).toBeLessThan(run.noiseMultiplier);
  });

  it('ends with the signal’s reason', async () => {
    const stop = new AbortController();
    const stopped = trainCentrally(digits, task, {
      seed: 5,
      signal: stop.signal,
      onEpoch: () => stop.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
  });
});
