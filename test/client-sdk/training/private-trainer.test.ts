import { argMax, memory, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FitOptions } from '../../../client-sdk/training/fit-options.ts';
import { loadBackend } from '../../../client-sdk/training/load-backend.ts';
import { simulatedTrainer } from '../../../client-sdk/training/local-trainer.ts';
import { modelSchema, readWeights, writeWeights } from '../../../client-sdk/training/model-layout.ts';
import { PrivateTrainer, type PrivateTrainerOptions } from '../../../client-sdk/training/private-trainer.ts';
import { ACCOUNTANT, epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { noiseStdDevPerParameter } from '../../../shared/accounting/noise-scale.ts';
import { trainingTermsSchema } from '../../../shared/protocol/terms.ts';
import { secureRandomSource, seededRandomSource } from '../../../shared/random-source.ts';
import { chainModel, largestDifference } from '../../support/chain-models.ts';
import { baseModel, buildModel, clusters, smallFit } from '../../support/small-fit.ts';
import { sumOfSquaresZScore } from '../../support/normal-statistics.ts';

beforeAll(loadBackend);

const trainerOf = (choice: Partial<PrivateTrainerOptions> = {}): PrivateTrainer =>
  new PrivateTrainer({ model: buildModel, ...choice });

describe('a fit', () => {
  it('spends its budget and no more, and reports what it rests on', async () => {
    const fit = await trainerOf().fit(smallFit);
    const { noiseMultiplier, epsilon } = fit;
    expect(fit).toMatchObject({
      delta: 1e-4,
      accountant: ACCOUNTANT,
      steps: 12,
      samplingRate: 0.2,
      adjacency: 'add-remove',
      unit: 'example',
      void: false,
      endedBy: 'steps',
    });
    expect(epsilon).toBe(epsilonOf([{ noiseMultiplier, samplingRate: 0.2, steps: 12 }], 1e-4));
    expect(epsilon).toBeLessThanOrEqual(3);
    expect(epsilon).toBeGreaterThan(2.999);
  });

  it('lets the clipping norm follow the quantile of real gradients, from both sides, at the same price', async () => {
    const adaptiveClipping = { quantile: 0.5, rate: 0.5, countNoiseStdDev: 3 };
    const fitFrom = (clippingNormL2: number) =>
      trainerOf({ random: seededRandomSource(8) }).fit({
        ...smallFit,
        clippingNormL2,
        adaptiveClipping,
        steps: 60,
        learningRate: 1e-3,
        targetEpsilon: 20,
      });
    const [low, high, flat] = [await fitFrom(0.01), await fitFrom(50), await trainerOf().fit(smallFit)];
    expect(low.clippingNormL2).toBeGreaterThan(0.1);
    expect(high.clippingNormL2).toBeLessThan(5);
    expect(high.clippingNormL2 / low.clippingNormL2).toBeLessThan(1.5);
    expect(high.clippingNormL2 / low.clippingNormL2).toBeGreaterThan(1 / 1.5);
    expect(low.noiseMultiplier).toBe(high.noiseMultiplier);
    expect(flat.clippingNormL2).toBe(smallFit.clippingNormL2);
  });

  it('learns', async () => {
    const model = buildModel();
    const { inputs, labels } = clusters(2_000);
    const dataset = { inputs, labels };
    const optimiser = { name: 'momentum' } as const;
    const { weights } = await new PrivateTrainer({ model }).fit({
      dataset,
      optimiser,
      targetEpsilon: 8,
      targetDelta: 1e-5,
      clippingNormL2: 1,
      epochs: 15,
      expectedBatchSize: 400,
      learningRate: 0.2,
    });
    expect(readWeights(model)).toEqual(weights);
    expect(accuracy(weights, dataset)).toBeGreaterThan(0.95);
    expect(accuracy(baseModel, dataset)).toBeLessThan(0.8);
    model.dispose();
  });

  const ways = [
    ['plain SGD', {}],
    ['momentum, held by a proximal term', { optimiser: { name: 'momentum', beta: 0.5 }, proximalTerm: 0.4 }],
    ['Adam on a schedule', { optimiser: { name: 'adam' }, learningRateSchedule: '1 / (step + round)' }],
  ] as const;
  it.each(ways)('is what a federation’s round does with the same terms and the same randomness: %s', async (_, way) => {
    const model = buildModel();
    const { weights, noiseMultiplier } = await trainerOf({ random: seededRandomSource(3) }).fit({
      ...smallFit,
      ...way,
    });
    const { clippingNormL2, expectedBatchSize, learningRate } = smallFit;
    const update = await simulatedTrainer({
      model: buildModel,
      examples: smallFit.dataset,
      random: seededRandomSource(3),
    }).train({
      round: 1,
      baseModel,
      schema: modelSchema(model),
      signal: new AbortController().signal,
      training: {
        clippingNormL2,
        expectedBatchSize,
        learningRate,
        samplingRate: 0.2,
        stepsPerRound: 12,
        ...trainingTermsSchema.pick({ optimiser: true, proximalTerm: true, learningRateSchedule: true }).parse(way),
      },
      privacy: {
        mode: 'local',
        noiseMultiplier,
        epsilonBudget: 3,
        delta: 1e-4,
        void: true,
        adjacency: 'add-remove',
        unit: 'example',
      },
    });
    model.dispose();
    expect(
      largestDifference(
        weights,
        baseModel.map((value, i) => value + (update[i] ?? NaN)),
      ),
    ).toBeLessThan(1e-6);
  });

  it('puts the noise that it accounts for into the weights', async () => {
    const wide = () => chainModel({ widths: [999, 4] });
    const dataset = { inputs: new Float32Array(), labels: new Float32Array() };
    const model = wide();
    const before = readWeights(model);
    const optimiser = { name: 'momentum', beta: 0.9 } as const;
    const asked = { ...smallFit, dataset, samplingRate: 0.2, optimiser, learningRateSchedule: '0.8 ^ step' };
    const { weights, noiseMultiplier } = await new PrivateTrainer({ model }).fit(asked);
    model.dispose();
    const { clippingNormL2, expectedBatchSize, learningRate } = smallFit;
    const declared = noiseStdDevPerParameter(
      { clippingNormL2, expectedBatchSize, learningRate, samplingRate: 0.2, stepsPerRound: 12, optimiser },
      {
        mode: 'local',
        noiseMultiplier,
        epsilonBudget: 3,
        delta: 1e-4,
        void: true,
        adjacency: 'add-remove',
        unit: 'example',
      },
      Float64Array.from({ length: 12 }, (_, step) => 0.5 * 0.8 ** step),
    );
    const noise = weights.map((value, i) => value - (before[i] ?? NaN));
    // Seven standard deviations of the secure generator: a false alarm once in 10^11 runs.
    expect(Math.abs(sumOfSquaresZScore(noise, declared))).toBeLessThan(7);
    expect(Math.abs(sumOfSquaresZScore(noise, 1.3 * declared))).toBeGreaterThan(7);
  });

  it('leaves no tensor, nor the examples, otherwise than they were', async () => {
    const trainer = trainerOf();
    await trainer.fit(smallFit);
    const { numTensors } = memory();
    const { inputs, labels } = clusters(300);
    await trainer.fit({ ...smallFit, targetEpsilon: 6 });
    expect(memory().numTensors).toBe(numTensors);
    expect(smallFit.dataset).toEqual({ inputs, labels });
  });

  it('tells of every step, with the weights that it leads to', async () => {
    const told: (string | number)[] = [];
    let last: Float32Array | undefined;
    const { weights } = await trainerOf().fit({
      ...smallFit,
      onStep: async ({ step, steps, weights: at }) => {
        await Promise.resolve();
        told.push(`${step}/${steps}`);
        last = at.slice();
      },
    });
    expect(told).toEqual(Array.from({ length: 12 }, (_, i) => `${i + 1}/12`));
    expect(largestDifference(last ?? [], weights)).toBeLessThan(1e-6);
  });

  it('makes as many steps as the epochs take, in parts of a batch where memory is short', async () => {
    const { steps: _, ...others } = smallFit;
    const whole = await trainerOf({ random: seededRandomSource(1) }).fit({ ...others, epochs: 1.1 });
    const parts = await trainerOf({ random: seededRandomSource(1) }).fit({
      ...others,
      epochs: 1.1,
      physicalBatchSize: 9,
    });
    expect(whole.steps).toBe(6);
    expect(largestDifference(whole.weights, parts.weights)).toBeLessThan(1e-3);
  });
});

describe('the budget', () => {
  const noiseMultiplier = 0.8;
  const epsilonOfSteps = (steps: number): number =>
    epsilonOf([{ noiseMultiplier, samplingRate: 0.2, steps }], smallFit.targetDelta);

  it('ends a fit before the step that would pass it, and refuses to begin another', async () => {
    let told = 0;
    const trainer = trainerOf();
    const targetEpsilon = epsilonOfSteps(7);
    const short = { ...smallFit, noiseMultiplier, targetEpsilon, onStep: () => void told++ };
    const fit = await trainer.fit(short);
    expect([fit.steps, fit.endedBy, told, fit.epsilon]).toEqual([7, 'budget', 7, targetEpsilon]);
    await expect(trainer.fit(short)).rejects.toMatchObject({
      refusal: { code: 'budget-exhausted', found: expect.stringContaining(epsilonOfSteps(8).toFixed(3)) },
    });
    expect(told).toBe(7);
  });

  it('is that of all fits together: the second gets what is left, under more noise', async () => {
    const trainer = trainerOf();
    const one = await trainer.fit({ ...smallFit, targetEpsilon: 2 });
    const two = await trainer.fit({ ...smallFit, targetEpsilon: 3 });
    const history = [one, two].map(({ noiseMultiplier: noise, samplingRate, steps }) => ({
      noiseMultiplier: noise,
      samplingRate,
      steps,
    }));
    expect(two.epsilon).toBe(epsilonOf(history, 1e-4));
    expect(two.epsilon).toBeLessThanOrEqual(3);
    expect(two.epsilon).toBeGreaterThan(2.99);
    expect(one.epsilon).toBeLessThanOrEqual(2);
    // Alone, twelve steps at epsilon 3 would do with less.
    const alone = await trainerOf().fit(smallFit);
    expect(two.noiseMultiplier).toBeGreaterThan(alone.noiseMultiplier);
    await expect(trainer.fit({ ...smallFit, targetEpsilon: 2.9 })).rejects.toMatchObject({
      refusal: { code: 'budget-exhausted', found: expect.stringContaining(`${two.epsilon?.toFixed(3)} spent before`) },
    });
  });

  it('leaves the model alone where a rest of it would take absurd noise, unless its owner asks for such noise', async () => {
    const model = buildModel();
    const trainer = new PrivateTrainer({ model });
    await trainer.fit(smallFit);
    const trained = readWeights(model);
    await expect(trainer.fit(smallFit)).rejects.toMatchObject({
      refusal: {
        code: 'budget-exhausted',
        expected: 'at most epsilon 3 at delta 0.0001',
        found: expect.stringMatching(
          /^epsilon 3.000 spent before, which leaves 0 of 12 steps .* up to 100 times that$/,
        ),
        hint: expect.stringContaining('give a noiseMultiplier'),
      },
    });
    expect(readWeights(model)).toEqual(trained);
    expect((await trainer.fit({ ...smallFit, noiseMultiplier: 1e6 })).steps).toBe(12);
  });

  it('pays for the steps of a fit that was aborted, whose weights nobody gets', async () => {
    const model = buildModel();
    const trainer = trainerOf({ model });
    const controller = new AbortController();
    const reason = new Error('enough');
    const stopAt = ({ step }: { step: number }): void => (step === 4 ? controller.abort(reason) : undefined);
    const given = { ...smallFit, noiseMultiplier, targetEpsilon: 50 };
    await expect(trainer.fit({ ...given, signal: controller.signal, onStep: stopAt })).rejects.toBe(reason);
    expect(readWeights(model)).toEqual(baseModel);
    const { epsilon } = await trainer.fit({ ...given, steps: 1 });
    expect(epsilon).toBe(epsilonOfSteps(5));
    model.dispose();
  });
});

describe('randomness that was given', () => {
  it('makes a fit reproducible, and no epsilon is claimed for it', async () => {
    const run = (seed: number) => trainerOf({ random: seededRandomSource(seed) }).fit(smallFit);
    const [one, again, other] = [await run(1), await run(1), await run(2)];
    expect(one).toEqual(again);
    expect(one).toMatchObject({ void: true, epsilon: null });
    expect(other.weights).not.toEqual(one.weights);
    const secure = await trainerOf({ random: secureRandomSource() }).fit(smallFit);
    expect(secure).toMatchObject({ void: false, epsilon: expect.any(Number) });
  });

  it('is the secure generator otherwise: no two fits are alike', async () => {
    expect((await trainerOf().fit(smallFit)).weights).not.toEqual((await trainerOf().fit(smallFit)).weights);
  });
});

describe('a trainer', () => {
  it('goes on from the weights of the fit before, or from those that its owner has put into the model', async () => {
    const quiet = { ...smallFit, targetEpsilon: 1e6, noiseMultiplier: 0.01, learningRate: 1e-6 };
    const made = trainerOf();
    const { weights } = await made.fit({ ...quiet, learningRate: 1 });
    expect(largestDifference((await made.fit(quiet)).weights, weights)).toBeLessThan(1e-3);
    const model = buildModel();
    const own = trainerOf({ model });
    await own.fit({ ...quiet, learningRate: 1 });
    writeWeights(model, baseModel);
    expect(largestDifference((await own.fit(quiet)).weights, baseModel)).toBeLessThan(1e-3);
    model.dispose();
  });

  it('fits once at a time', async () => {
    const trainer = trainerOf();
    const first = trainer.fit(smallFit);
    await expect(trainer.fit(smallFit)).rejects.toThrow(/one fit at a time/);
    await first;
    await trainer.fit({ ...smallFit, targetEpsilon: 6 });
  });

  it.each<[Partial<FitOptions>, RegExp]>([
    [{ epochs: 2 }, /either steps or epochs, found both/],
    [{ steps: 0 }, /option steps /],
    [{ clippingNormL2: -1 }, /option clippingNormL2/],
    [{ expectedBatchSize: 301 }, /option samplingRate/],
    [{ learningRate: 0 }, /option learningRate/],
    [{ learningRateSchedule: 'stpe' }, /schedule "stpe"/],
    [{ optimiser: { name: 'momentum', beta: 1 } }, /option optimiser.beta/],
    [{ physicalBatchSize: 0 }, /physicalBatchSize/],
    [{ adaptiveClipping: { quantile: 1, rate: 0.2, countNoiseStdDev: 3 } }, /adaptiveClipping.quantile/],
    [{ adaptiveClipping: { quantile: 0.5, rate: 0, countNoiseStdDev: 3 } }, /adaptiveClipping.rate/],
    [{ adaptiveClipping: { quantile: 0.5, rate: 0.2, countNoiseStdDev: 0.1 } }, /adaptiveClipping.countNoiseStdDev/],
    [{ targetDelta: 0 }, /delta/],
    [{ targetEpsilon: NaN }, /epsilon/],
    [{ noiseMultiplier: 0 }, /budget/],
    [{ dataset: { inputs: new Float32Array(7), labels: [] } }, /5 values per example/],
    [{ dataset: { ...smallFit.dataset, name: '' } }, /dataset.name of 1 to 200/],
  ])('refuses %o and goes on', async (odd, complaint) => {
    const trainer = trainerOf();
    await expect(trainer.fit({ ...smallFit, ...odd })).rejects.toThrow(complaint);
    expect((await trainer.fit(smallFit)).steps).toBe(12);
  });
});

/** Share of the examples whose class has the largest output. */
function accuracy(weights: Float32Array, { inputs, labels }: FitOptions['dataset']): number {
  const model = buildModel();
  writeWeights(model, weights);
  const classes = tidy(() => {
    const outputs = model.predict(tensor2d(inputs, [labels.length, 5]));
    if (Array.isArray(outputs)) throw new Error('expected one tensor');
    return argMax(outputs, -1).dataSync();
  });
  model.dispose();
  return (
    Array.from(classes).reduce<number>((hits, label, i) => hits + (label === labels[i] ? 1 : 0), 0) / labels.length
  );
}
