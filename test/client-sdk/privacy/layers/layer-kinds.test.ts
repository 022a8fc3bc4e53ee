import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { layerChain, type LayerChain } from '../../../../client-sdk/privacy/layer-chain.ts';
import { layerKinds } from '../../../../client-sdk/privacy/layers/layer-kinds.ts';
import { clippedGradientSum } from '../../../../client-sdk/privacy/per-example-gradients.ts';
import type { Batch } from '../../../../client-sdk/training/example-set.ts';
import { startBackend } from '../../../../client-sdk/training/load-backend.ts';
import { modelSchema, writeWeights } from '../../../../client-sdk/training/model-layout.ts';
import { parameterCount } from '../../../../shared/update-format/tensor-schema.ts';
import { builtBackends } from '../../../support/built-backends.ts';
import { clippedSumOfLoop, largestDifference, normals, normL2, rowOf } from '../../../support/chain-models.ts';
import { batchFor, inReference, type LayerCase, layerCases } from '../../../support/layer-models.ts';
import { fc } from '../../../support/properties.ts';

const loss = 'mean-squared-error';
const clips = [0.3, Infinity];
const built = await builtBackends();

/** By the loop on the plain backend, the only one that is always there and has the gradient of every kernel. */
function expectedOf(given: LayerCase): { weights: Float32Array; batch: Batch; sums: readonly Float64Array[] } {
  const model = given.build();
  const weights = normals(parameterCount(modelSchema(model)), 3, 0.3);
  const batch = batchFor(given, 4, 5);
  const reference = given.reference?.build() ?? model;
  const { places, spread } = inReference(given, { model, other: reference, weights });
  writeWeights(reference, spread);
  const sums = clips.map((clip) => clippedSumOfLoop(reference, { loss, batch, clip, places }));
  for (const one of new Set([model, reference])) one.dispose();
  return { weights, batch, sums };
}

const noLoop = (): never => {
  throw new Error('expected no layer to be trained one example at a time');
};

function chainOf({ build }: LayerCase): { chain: LayerChain; parameters: number } {
  const model = build();
  const chain = layerChain(model, noLoop);
  const parameters = parameterCount(modelSchema(model));
  model.dispose();
  return { chain, parameters };
}

const expectations = new Map<LayerCase, ReturnType<typeof expectedOf>>();
beforeAll(async () => {
  await startBackend('cpu');
  for (const given of layerCases) expectations.set(given, expectedOf(given));
});

it('has a case for every kind of layer that goes as a whole batch', () => {
  expect(new Set(['InputLayer', ...layerCases.map(({ kind }) => kind)])).toEqual(new Set(layerKinds.keys()));
  for (const { kind, build } of layerCases) {
    const model = build();
    expect(model.layers.map((layer) => layer.getClassName())).toContain(kind);
    model.dispose();
  }
});

describe.each(built)('every kind of layer (%s)', (backend) => {
  beforeAll(async () => {
    await startBackend(backend);
  });

  it.each(layerCases)('gives the gradients of the loop, leaving no tensor: $kind, $setting', (given) => {
    const expected = expectations.get(given);
    if (expected === undefined) throw new Error('expected an expectation');
    const { weights, batch, sums } = expected;
    const { chain } = chainOf(given);
    const before = memory();
    clips.forEach((clippingNormL2, i) => {
      const found = clippedGradientSum({ chain, loss, weights, batch, clippingNormL2 });
      const norm = normL2(found);
      expect(norm).toBeGreaterThan(0.1);
      // Where nothing is clipped norms reach 100, and float32 gives back no more than a share of them.
      expect(largestDifference(found, sums[i] ?? [])).toBeLessThan(Math.max(1e-5, 3e-7 * norm));
      for (const physicalBatchSize of [1, 3]) {
        const inParts = clippedGradientSum({ chain, loss, weights, batch, clippingNormL2, physicalBatchSize });
        expect(largestDifference(inParts, found)).toBeLessThan(5e-6);
      }
    });
    const nobody = { count: 0, inputs: new Float32Array(), targets: new Float32Array() };
    const none = clippedGradientSum({ chain, loss, weights, batch: nobody, clippingNormL2: 1 });
    expect(none).toEqual(new Float64Array(weights.length));
    expect(memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
  });
});

describe.each(built.filter((backend) => backend !== 'cpu'))('the clipping bound (%s)', (backend) => {
  beforeAll(async () => {
    await startBackend(backend);
  });
  const scale = fc.double({ min: -6, max: 6, noNaN: true }).map((exponent) => 10 ** exponent);
  const setting = fc.record({
    given: fc.constantFrom(...layerCases),
    inputScale: scale,
    weightScale: scale,
    targetScale: scale,
    clip: scale,
    poison: fc.constantFrom(null, NaN, Infinity, -Infinity),
    seed: fc.nat(1000),
  });

  it('holds in float64 for every example of every kind of layer, alone and among others', () => {
    let clipped = 0;
    fc.assert(
      fc.property(setting, ({ given, inputScale, weightScale, targetScale, clip, poison, seed }) => {
        const { chain, parameters } = chainOf(given);
        const weights = normals(parameters, seed, weightScale);
        const drawn = batchFor(given, 3, seed);
        const batch = {
          count: 3,
          inputs: given.vocabulary === null ? drawn.inputs.map((value) => inputScale * value) : drawn.inputs,
          targets: drawn.targets.map((value) => targetScale * value),
        };
        if (poison !== null) batch.inputs[seed % batch.inputs.length] = poison;
        const sumOf = (part: Batch): Float64Array =>
          clippedGradientSum({ chain, loss, weights, batch: part, clippingNormL2: clip });
        const alone = [0, 1, 2].map((row) => sumOf(rowOf(batch, row)));
        for (const one of alone) {
          expect(normL2(one)).toBeLessThanOrEqual(clip);
          if (normL2(one) > 0.99 * clip) clipped++;
        }
        const all = sumOf(batch);
        alone.forEach((_, row) => {
          const others = alone.filter((_other, i) => i !== row);
          const rest = all.map((value, i) => value - others.reduce((sum, other) => sum + (other[i] ?? NaN), 0));
          expect(normL2(rest)).toBeLessThanOrEqual(clip);
        });
      }),
      { numRuns: 150, seed: 1 },
    );
    // Else the bound would hold for want of anything to clip.
    expect(clipped).toBeGreaterThan(100);
  });
});
