import { memory } from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from '../../../client-sdk/training/load-backend.ts';
import {
  localTrainer,
  simulatedTrainer,
  type SimulatedTrainerOptions,
} from '../../../client-sdk/training/local-trainer.ts';
import { modelSchema, writeWeights } from '../../../client-sdk/training/model-layout.ts';
import type { TrainingTask } from '../../../client-sdk/training/trainer.ts';
import { noiseStdDevPerParameter } from '../../../shared/accounting/noise-scale.ts';
import { learningRates } from '../../../shared/learning-rates.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import type { PrivacyTerms, TrainingTerms } from '../../../shared/protocol/terms.ts';
import { secureRandomSource, seededRandomSource } from '../../../shared/random-source.ts';
import { chainModel, gradientOfOne, largestDifference, normals } from '../../support/chain-models.ts';
import { normalityPValue, sumOfSquaresZScore } from '../../support/normal-statistics.ts';

beforeAll(loadBackend);

const WIDTHS = [5, 4, 3];
const PARAMETERS = 5 * 4 + 4 + 4 * 3 + 3;
const buildModel = () => chainModel({ widths: WIDTHS, final: 'softmax' });

const local: PrivacyTerms = {
  mode: 'local',
  noiseMultiplier: 1.2,
  epsilonBudget: 8,
  delta: 1e-4,
  adjacency: 'add-remove',
  unit: 'example',
  // Seeded randomness is refused where an epsilon is claimed.
  void: true,
};

const terms: TrainingTerms = {
  learningRate: 0.5,
  stepsPerRound: 4,
  samplingRate: 0.25,
  expectedBatchSize: 10,
  clippingNormL2: 0.7,
};

interface TaskChoice {
  readonly training?: Partial<TrainingTerms>;
  readonly privacy?: PrivacyTerms;
  readonly signal?: AbortSignal;
  readonly baseModel?: Float32Array;
}

function task({ training, privacy = local, signal, baseModel }: TaskChoice = {}): TrainingTask {
  const model = buildModel();
  const schema = modelSchema(model);
  model.dispose();
  return {
    round: 1,
    baseModel: baseModel ?? normals(PARAMETERS, 1, 0.5),
    schema,
    training: { ...terms, ...training },
    privacy,
    signal: signal ?? new AbortController().signal,
  };
}

const examples = (count: number) => ({
  inputs: normals(5 * count, 2),
  labels: Uint8Array.from({ length: count }, (_, i) => i % 3),
});

const trainerOf = (options: Partial<SimulatedTrainerOptions> = {}) =>
  simulatedTrainer({ model: buildModel, examples: examples(40), ...options });

/** Everybody takes part, nothing is clipped. */
const plain = { samplingRate: 1, clippingNormL2: 1e6 };
const none: PrivacyTerms = { mode: 'none' };

describe('training without noise', () => {
  it('is stochastic gradient descent when nothing is clipped', async () => {
    const [baseModel, given, model] = [normals(PARAMETERS, 1, 0.5), examples(12), buildModel()];
    const weights = Float64Array.from(baseModel);
    for (let step = 0; step < 3; step++) {
      writeWeights(model, Float32Array.from(weights));
      for (let i = 0; i < 12; i++) {
        const targets = Float32Array.from({ length: 3 }, (_, k) => (given.labels[i] === k ? 1 : 0));
        const inputs = given.inputs.subarray(5 * i, 5 * i + 5);
        const gradient = gradientOfOne(model, 'softmax-cross-entropy', { count: 1, inputs, targets });
        gradient.forEach((value, k) => (weights[k] = (weights[k] ?? NaN) - (0.5 * value) / 10));
      }
    }
    model.dispose();
    const update = await trainerOf({ examples: given }).train(
      task({ training: { ...plain, stepsPerRound: 3 }, privacy: none, baseModel }),
    );
    expect(
      largestDifference(
        update,
        weights.map((value, k) => value - (baseModel[k] ?? NaN)),
      ),
    ).toBeLessThan(1e-5);
  });

  it('divides by the public batch size: every example twice makes the step twice as long', async () => {
    const once = examples(9);
    const twice = {
      inputs: Float32Array.of(...once.inputs, ...once.inputs),
      labels: Uint8Array.of(...once.labels, ...once.labels),
    };
    const one = task({ training: { ...plain, stepsPerRound: 1 }, privacy: none });
    const [short, long] = await Promise.all([once, twice].map((given) => trainerOf({ examples: given }).train(one)));
    expect(
      largestDifference(
        long ?? [],
        (short ?? new Float32Array()).map((value) => 2 * value),
      ),
    ).toBeLessThan(1e-6);
  });

  it('moves by at most C / expected batch size times learning rate for one example, however far off it is', async () => {
    const odd = { inputs: normals(5, 3, 1e4), labels: Uint8Array.of(1) };
    const one = task({ training: { samplingRate: 1, stepsPerRound: 1 }, privacy: none });
    const update = await trainerOf({ examples: odd }).train(one);
    const norm = Math.hypot(...update);
    expect(norm).toBeLessThanOrEqual((0.5 * 0.7) / 10);
    expect(norm).toBeGreaterThan((0.998 * 0.5 * 0.7) / 10);
  });

  it('learns nothing from nobody', async () => {
    const update = await trainerOf({ examples: examples(0) }).train(task({ privacy: none }));
    expect(update).toEqual(new Float32Array(PARAMETERS));
  });

  it('is the declared training for a simulated attacker who omits the noise', async () => {
    const training = { samplingRate: 1 };
    const omitted = await trainerOf({ noise: 'omitted' }).train(task({ training }));
    expect(omitted).toEqual(await trainerOf().train(task({ training, privacy: none })));
    expect(omitted).not.toEqual(await trainerOf().train(task({ training })));
  });
});

describe('noise', () => {
  /** 200 rounds of nobody's data: noise alone. */
  const pureNoise = async (options: Partial<SimulatedTrainerOptions>): Promise<number[]> => {
    const trainer = trainerOf({ examples: examples(0), ...options });
    const updates: number[] = [];
    for (let round = 0; round < 200; round++) updates.push(...(await trainer.train(task())));
    return updates;
  };
  const declared = noiseStdDevPerParameter(terms, local);

  it('is as large as the terms declare, in steps without any example too, and not two thirds nor half again', async () => {
    const noise = await pureNoise({ random: seededRandomSource(11) });
    expect(normalityPValue(noise, declared)).toBeGreaterThan(1e-3);
    expect(Math.abs(sumOfSquaresZScore(noise, declared))).toBeLessThan(4);
    for (const wrong of [(declared * 2) / 3, declared * 1.5]) {
      expect(normalityPValue(noise, wrong)).toBeLessThan(1e-3);
      expect(Math.abs(sumOfSquaresZScore(noise, wrong))).toBeGreaterThan(6);
    }
  });

  it('comes from the secure generator unless another is given, and is as large there', async () => {
    const noise = await pureNoise({});
    // Seven standard deviations: a false alarm once in 10^11 runs.
    expect(Math.abs(sumOfSquaresZScore(noise, declared))).toBeLessThan(7);
    // Single draws meet on the grid now and then, three in a row do not: once in 10^6 runs.
    const triples = noise.slice(2).map((value, i) => [noise[i], noise[i + 1], value].join());
    expect(new Set(triples).size).toBe(triples.length);
  });

  it('differs in every run from the secure source and is the same from the same seed', async () => {
    const run = (random?: SimulatedTrainerOptions['random']): Promise<Float32Array> =>
      trainerOf(random === undefined ? {} : { random }).train(task());
    expect(await run()).not.toEqual(await run());
    expect(await run(secureRandomSource())).not.toEqual(await run(secureRandomSource()));
    expect(await run(seededRandomSource(5))).toEqual(await run(seededRandomSource(5)));
    expect(await run(seededRandomSource(5))).not.toEqual(await run(seededRandomSource(6)));
  });

  it('is no larger for a batch that holds examples which are not finite', async () => {
    const broken = { inputs: new Float32Array(5 * 40).fill(NaN), labels: new Uint8Array(40) };
    const options = { random: seededRandomSource(3) };
    const update = await trainerOf({ ...options, examples: broken }).train(task({ training: { samplingRate: 1 } }));
    expect(update.every(Number.isFinite)).toBe(true);
    expect(Math.abs(sumOfSquaresZScore(update, declared))).toBeLessThan(4);
  });
});

describe('noise through the optimiser of the terms', () => {
  /** The noise alone, through the real optimiser: a model of one layer of 4,000 values and nobody's examples. */
  const wide = () => chainModel({ widths: [999, 4], final: 'linear' });
  const noiseOf = async (training: Partial<TrainingTerms>, round: number): Promise<Float32Array> => {
    const model = wide();
    const schema = modelSchema(model);
    model.dispose();
    const nobody = { inputs: new Float32Array(), labels: new Float32Array() };
    const trainer = trainerOf({
      model: wide,
      examples: nobody,
      random: seededRandomSource(12),
      loss: 'mean-squared-error',
    });
    const baseModel = new Float32Array(4_000);
    return await trainer.train({ ...task({ training: { stepsPerRound: 12, ...training } }), round, schema, baseModel });
  };

  it.each<[string, Partial<TrainingTerms>]>([
    ['plain SGD', {}],
    ['momentum', { optimiser: { name: 'momentum', beta: 0.9 } }],
    ['a proximal term', { proximalTerm: 0.3 }],
    ['a schedule', { learningRateSchedule: '0.7 ^ step' }],
    ['a schedule over rounds', { learningRateSchedule: '1 / round' }],
    [
      'all of them',
      { optimiser: { name: 'momentum', beta: 0.5 }, proximalTerm: 0.1, learningRateSchedule: '1 / (step + round)' },
    ],
  ])('is as large as declared under %s', async (_, training) => {
    const noise = await noiseOf(training, 3);
    const used = { ...terms, stepsPerRound: 12, ...training };
    const rates = accepted(accepted(await learningRates(used)).of(3));
    const declaredHere = noiseStdDevPerParameter(used, local, rates);
    expect(normalityPValue(noise, declaredHere)).toBeGreaterThan(1e-3);
    // The standard deviation is known to 1.1 %: a factor that is off by 10 % is found.
    expect(Math.abs(sumOfSquaresZScore(noise, declaredHere))).toBeLessThan(3.5);
    for (const wrong of [0.9, 1.1]) {
      expect(Math.abs(sumOfSquaresZScore(noise, wrong * declaredHere))).toBeGreaterThan(3.5);
    }
  });

  it('differs from what Adam makes of it, which has no declared size', async () => {
    const optimiser = { name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
    const noise = await noiseOf({ optimiser, stepsPerRound: 1 }, 1);
    // One step of the learning rate either way.
    expect(noise.every((value) => Math.abs(Math.abs(value) - 0.5) < 1e-3)).toBe(true);
  });
});

describe('a batch that is too large for the memory', () => {
  it('is added up of parts, under the same noise once', async () => {
    const training = { samplingRate: 1, stepsPerRound: 3 };
    const run = (physicalBatchSize: number): Promise<Float32Array> =>
      trainerOf({ random: seededRandomSource(4), physicalBatchSize }).train(task({ training }));
    const whole = await run(40);
    for (const physicalBatchSize of [1, 7, 39, 1000]) {
      expect(largestDifference(await run(physicalBatchSize), whole)).toBeLessThan(2e-4);
    }
  });

  it.each([0, -1, 1.5, NaN])('cannot be computed %s examples at a time', (physicalBatchSize) => {
    expect(() => localTrainer({ model: buildModel, examples: examples(1), physicalBatchSize })).toThrow(/at least 1/);
  });
});

describe('randomness that others may know', () => {
  const claimed: PrivacyTerms = { ...local, void: false };

  it('is refused where the terms claim an epsilon, and taken where they declare the privacy void', async () => {
    const random = seededRandomSource(5);
    await expect(trainerOf({ random }).train(task({ privacy: claimed }))).rejects.toThrow(/privacy\.void/);
    expect(await trainerOf({ random }).train(task())).toHaveLength(PARAMETERS);
    expect(await trainerOf({ random }).train(task({ privacy: none }))).toHaveLength(PARAMETERS);
  });

  it('is neither what anybody gets who gives none nor the secure generator', async () => {
    const secure = { random: secureRandomSource() };
    expect(await trainerOf(secure).train(task({ privacy: claimed }))).toHaveLength(PARAMETERS);
    expect(await trainerOf().train(task({ privacy: claimed }))).toHaveLength(PARAMETERS);
    expect(
      await localTrainer({ model: buildModel, examples: examples(9) }).train(task({ privacy: claimed })),
    ).toHaveLength(PARAMETERS);
  });
});

describe('the public trainer', () => {
  it('draws secure noise of the declared size, whatever else it is given', async () => {
    const known = { noise: 'omitted', random: seededRandomSource(5) };
    const given = { model: buildModel, examples: examples(0), ...known };
    const [one, other] = await Promise.all([1, 2].map(() => localTrainer(given).train(task())));
    expect(one).not.toEqual(other);
    expect(one).not.toEqual(await trainerOf({ examples: examples(0), random: seededRandomSource(5) }).train(task()));
    // Seven standard deviations: a false alarm once in 10^11 runs.
    expect(Math.abs(sumOfSquaresZScore(one ?? [], noiseStdDevPerParameter(terms, local)))).toBeLessThan(7);
  });
});

describe('a round', () => {
  it('leaves the tensors, the examples and the base model as they were', async () => {
    const given = examples(40);
    const [inputs, labels] = [given.inputs.slice(), given.labels.slice()];
    const model = buildModel();
    const kept = memory();
    for (const choice of [buildModel, model]) {
      const trainer = trainerOf({ model: choice, examples: given });
      for (let round = 0; round < 3; round++) {
        const one = task();
        const base = one.baseModel.slice();
        await trainer.train(one);
        expect(one.baseModel).toEqual(base);
        expect(memory()).toMatchObject({ numTensors: kept.numTensors, numBytes: kept.numBytes });
      }
    }
    expect([given.inputs, given.labels]).toEqual([inputs, labels]);
    model.dispose();
  });

  it('lets other work run between its steps', async () => {
    let turns = 0;
    const count = (): void => {
      turns++;
      turn = setImmediate(count);
    };
    let turn = setImmediate(count);
    await trainerOf().train(task({ training: { stepsPerRound: 20 } }));
    clearImmediate(turn);
    expect(turns).toBeGreaterThanOrEqual(19);
  });

  it('ends with the reason of its signal, before the first step or between two', async () => {
    const reason = new Error('round closed');
    const trainer = trainerOf();
    await expect(trainer.train(task({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    const controller = new AbortController();
    const training = trainer.train(task({ training: { stepsPerRound: 100_000 }, signal: controller.signal }));
    setImmediate(() => setImmediate(() => controller.abort(reason)));
    await expect(training).rejects.toBe(reason);
  });

  it('is refused where model and federation disagree, with the nearest tensor named', async () => {
    const other = { ...task(), schema: [{ name: 'aa/kernel', shape: [5, 4] }] };
    await expect(trainerOf().train(other)).rejects.toMatchObject({
      name: 'RefusedError',
      refusal: { code: 'unknown-tensor', hint: expect.stringContaining('"a/kernel"') },
    });
    await expect(trainerOf().train(task({ baseModel: new Float32Array(3) }))).rejects.toThrow(/39 values, found 3/);
  });

  it('is refused for a layer that cannot be trained privately, by its name', async () => {
    const model = () =>
      sequential({
        layers: [layers.dense({ units: 3, inputShape: [5] }), layers.dropout({ name: 'drop', rate: 0.5 })],
      });
    await expect(trainerOf({ model }).train(task())).rejects.toThrow(/"drop" \(Dropout\)/);
  });
});
