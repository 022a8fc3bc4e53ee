import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ActivationName, activations, isActivationName } from '../../../client-sdk/privacy/activations.ts';
import { layerChain } from '../../../client-sdk/privacy/layer-chain.ts';
import { type LossName, lossOf } from '../../../client-sdk/privacy/losses.ts';
import { clippedGradients, clippedGradientSum } from '../../../client-sdk/privacy/per-example-gradients.ts';
import type { Batch } from '../../../client-sdk/training/example-set.ts';
import { startBackend } from '../../../client-sdk/training/load-backend.ts';
import { modelSchema, writeWeights } from '../../../client-sdk/training/model-layout.ts';
import { parameterCount } from '../../../shared/update-format/tensor-schema.ts';
import { builtBackends } from '../../support/built-backends.ts';
import {
  type ChainShape,
  chainModel,
  clippedSumOfLoop,
  largestDifference,
  normals,
  normL2,
  randomBatch,
  rowOf,
} from '../../support/chain-models.ts';
import { fc } from '../../support/properties.ts';

interface Case extends ChainShape {
  readonly loss: LossName;
}

/** The network of the case at random weights, its loop over examples and its taps. */
function bothWays({ loss, ...shape }: Case, { clip, scale = 0.5 }: { clip: number; scale?: number }) {
  const model = chainModel(shape);
  const weights = normals(parameterCount(modelSchema(model)), 3, scale);
  writeWeights(model, weights);
  const inputLength = shape.widths[0] ?? 1;
  const batch = randomBatch({ count: 6, inputLength, outputLength: shape.widths.at(-1) ?? 1, seed: 5 });
  const expected = clippedSumOfLoop(model, { loss, batch, clip });
  const found = clippedGradientSum({ ...lossOf(layerChain(model), loss), weights, batch, clippingNormL2: clip });
  model.dispose();
  return { expected, found };
}

const losses: readonly Case[] = [
  { loss: 'softmax-cross-entropy', final: 'softmax', widths: [] },
  { loss: 'sigmoid-cross-entropy', final: 'sigmoid', widths: [] },
  { loss: 'mean-squared-error', final: 'linear', widths: [] },
  { loss: 'mean-squared-error', final: 'tanh', widths: [] },
  { loss: 'mean-squared-error', final: 'softmax', widths: [] },
];
const networks = [
  [7, 3],
  [7, 5, 3],
  [7, 6, 5, 3],
];
const cases = losses.flatMap((one) =>
  networks.flatMap((widths) => [true, false].map((useBias) => ({ ...one, widths, useBias }))),
);

describe.each(await builtBackends())('the clipped sum of a chain of dense layers (%s)', (backend) => {
  beforeAll(async () => {
    await startBackend(backend);
  });

  it.each(cases)('equals the loop over examples: $loss, $final, $widths, bias $useBias', (network) => {
    for (const clip of [0.3, Infinity]) {
      const { expected, found } = bothWays(network, { clip });
      expect(normL2(found)).toBeGreaterThan(0.1);
      expect(largestDifference(found, expected)).toBeLessThan(1e-5);
    }
  });

  it.each(Object.keys(activations).filter(isActivationName))('equals the loop for hidden %s', (hidden) => {
    const { expected, found } = bothWays(
      { loss: 'mean-squared-error', widths: [4, 5, 2], hidden },
      { clip: 1, scale: 1.5 },
    );
    expect(largestDifference(found, expected)).toBeLessThan(1e-5);
  });

  it('equals a float64 derivation by hand (test/oracles/clipped-gradient-sum.py)', () => {
    const wave = (count: number, step: number): number[] =>
      Array.from({ length: count }, (_, i) => Math.sin(step * (i + 1)));
    const model = chainModel({ widths: [3, 2, 3], final: 'softmax' });
    const batch: Batch = {
      count: 4,
      inputs: Float32Array.from(wave(12, 1.3), (value) => 2 * value),
      targets: Float32Array.of(1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1),
    };
    const weights = Float32Array.from([...wave(2, 0.5), ...wave(6, 0.7), ...wave(3, 0.9), ...wave(6, 1.1)]);
    const { chain, loss } = lossOf(layerChain(model), 'softmax-cross-entropy');
    const found = clippedGradientSum({ chain, loss, weights, batch, clippingNormL2: 0.8 });
    const expected = [
      -0.061794482, -0.023694044, -0.39721462, 0.005854725, 0.43592781, -0.064622338, 0.630434977, -0.040427524,
      0.050666104, 0.298810706, -0.34947681, -0.347256452, 0.320821528, 0.026434924, -0.296502166, -0.044466141,
      0.340968307,
    ];
    expect(largestDifference(found, expected)).toBeLessThan(1e-6);
    model.dispose();
  });

  it('is exact for logits far beyond what a probability in float32 can hold', () => {
    const model = chainModel({ widths: [1, 2], final: 'softmax', useBias: false });
    const { chain, loss } = lossOf(layerChain(model), 'softmax-cross-entropy');
    const batch = { count: 1, inputs: Float32Array.of(1), targets: Float32Array.of(0, 1) };
    const weights = Float32Array.of(500, -500);
    expect([...clippedGradientSum({ chain, loss, weights, batch, clippingNormL2: Infinity })]).toEqual([1, -1]);
    model.dispose();
  });

  it('takes half the way at a sigmoid output of exactly one half', () => {
    const model = chainModel({ widths: [1, 1], final: 'sigmoid', useBias: false });
    const { chain, loss } = lossOf(layerChain(model), 'sigmoid-cross-entropy');
    const batch = { count: 1, inputs: Float32Array.of(1), targets: Float32Array.of(1) };
    const found = clippedGradientSum({ chain, loss, weights: Float32Array.of(0), batch, clippingNormL2: 9 });
    expect(found[0]).toBeCloseTo(-0.5, 6);
    model.dispose();
  });
});

describe('the clipping bound', () => {
  beforeAll(async () => {
    await startBackend('wasm');
  });

  /** Any magnitude that float32 holds, at either end of it too. */
  const magnitude = fc.integer({ min: -30, max: 30 }).map((exponent) => 10 ** exponent);
  const network = fc.record({
    widths: fc.constantFrom([3, 2], [3, 4, 2]),
    useBias: fc.boolean(),
    hidden: fc.constantFrom<ActivationName[]>('tanh', 'relu', 'linear'),
    inputScale: magnitude,
    weightScale: magnitude,
    clip: fc.constantFrom(1e-3, 1, 1e3),
    seed: fc.nat(1000),
  });

  it('holds for what one example adds to a sum of others, whatever the magnitudes', () => {
    fc.assert(
      fc.property(network, ({ inputScale, weightScale, clip, seed, ...shape }) => {
        const model = chainModel({ ...shape, final: 'linear' });
        const chain = layerChain(model);
        const count = parameterCount(modelSchema(model));
        model.dispose();
        const weights = normals(count, seed, weightScale);
        const others = randomBatch({ count: 5, inputLength: 3, outputLength: 2, seed });
        const odd = { count: 1, inputs: normals(3, seed + 1, inputScale), targets: normals(2, seed + 2, inputScale) };
        const all = {
          count: 6,
          inputs: Float32Array.of(...others.inputs, ...odd.inputs),
          targets: Float32Array.of(...others.targets, ...odd.targets),
        };
        const sumOf = (batch: Batch): Float64Array =>
          clippedGradientSum({ chain, loss: 'mean-squared-error', weights, batch, clippingNormL2: clip });
        const without = sumOf(others);
        expect(normL2(sumOf(odd))).toBeLessThanOrEqual(clip);
        expect(normL2(sumOf(all).map((value, i) => value - (without[i] ?? NaN)))).toBeLessThanOrEqual(clip);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it.each([
    // g = 2e-23, whose square is 0 in float32, times a = 1e19: a gradient of 2e-4.
    { input: 1e19, target: -1e-23, clip: 1e-6 },
    // g = 1e19 times a = 1e19: the factor of 1.1e-44 is 7.84 times the smallest float32, and would be rounded up to 8.
    { input: 1e19, target: -5e18, clip: 1.1e-6 },
  ])('holds where float32 has no digits left: $input, $target', ({ input, target, clip }) => {
    const model = chainModel({ widths: [1, 1], useBias: false });
    const batch = { count: 1, inputs: Float32Array.of(input), targets: Float32Array.of(target) };
    const options = { chain: layerChain(model), loss: 'mean-squared-error', batch, clippingNormL2: clip } as const;
    expect(normL2(clippedGradientSum({ ...options, weights: Float32Array.of(0) }))).toBeLessThanOrEqual(clip);
    model.dispose();
  });

  it('drops an example whose values are not finite and keeps the others as they are', () => {
    const model = chainModel({ widths: [3, 4, 2] });
    const chain = layerChain(model);
    const weights = normals(26, 1);
    const batch = randomBatch({ count: 4, inputLength: 3, outputLength: 2, seed: 2 });
    const sumOf = (one: Batch): Float64Array =>
      clippedGradientSum({ chain, loss: 'mean-squared-error', weights, batch: one, clippingNormL2: 1 });
    const rest = [0, 1, 3].map((row) => sumOf(rowOf(batch, row)));
    const expected = rest[0]?.map((value, i) => value + (rest[1]?.[i] ?? NaN) + (rest[2]?.[i] ?? NaN)) ?? [];
    for (const poison of [NaN, Infinity, -Infinity]) {
      expect(largestDifference(sumOf({ ...batch, inputs: batch.inputs.with(7, poison) }), expected)).toBeLessThan(1e-6);
      expect(largestDifference(sumOf({ ...batch, targets: batch.targets.with(4, poison) }), expected)).toBeLessThan(
        1e-6,
      );
      expect(normL2(sumOf({ ...rowOf(batch, 0), inputs: Float32Array.of(poison, 1, 1) }))).toBe(0);
    }
    model.dispose();
  });

  it('leaves no tensor behind, whether examples are clipped, dropped or missing', () => {
    const model = chainModel({ widths: [3, 4, 2] });
    const chain = layerChain(model);
    const before = memory();
    const batch = randomBatch({ count: 4, inputLength: 3, outputLength: 2, seed: 2 });
    const options = { chain, loss: 'mean-squared-error', weights: normals(26, 1), clippingNormL2: 1 } as const;
    clippedGradientSum({ ...options, batch });
    clippedGradientSum({ ...options, batch: { ...batch, inputs: batch.inputs.with(0, NaN) } });
    clippedGradientSum({ ...options, batch: { ...batch, inputs: batch.inputs.map(() => NaN) } });
    clippedGradientSum({ ...options, batch: { count: 0, inputs: new Float32Array(), targets: new Float32Array() } });
    expect(memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
    model.dispose();
  });
});

it('counts the examples whose gradient was short enough as it was', () => {
  const model = chainModel({ widths: [7, 3], final: 'softmax' });
  const weights = normals(parameterCount(modelSchema(model)), 3, 0.5);
  const batch = randomBatch({ count: 20, inputLength: 7, outputLength: 3, seed: 6 });
  const options = { ...lossOf(layerChain(model), 'softmax-cross-entropy'), weights };
  const normOf = (row: number): number => {
    return normL2(clippedGradientSum({ ...options, batch: rowOf(batch, row), clippingNormL2: Infinity }));
  };
  const norms = Array.from({ length: 20 }, (_, row) => normOf(row)).sort((a, b) => a - b);
  for (const below of [0, 7, 20]) {
    const clippingNormL2 = ((norms[below - 1] ?? 0) + (norms[below] ?? 2 * (norms[19] ?? NaN))) / 2;
    expect(clippedGradients({ ...options, batch, clippingNormL2 }).countBelow).toBe(below);
    expect(clippedGradients({ ...options, batch, clippingNormL2, physicalBatchSize: 3 }).countBelow).toBe(below);
  }
  model.dispose();
});
