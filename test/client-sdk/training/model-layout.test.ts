import { memory } from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from '../../../client-sdk/training/load-backend.ts';
import { modelSchema, readWeights, schemaMismatch, writeWeights } from '../../../client-sdk/training/model-layout.ts';
import { chainModel } from '../../support/chain-models.ts';

beforeAll(loadBackend);

const schema = [
  { name: 'digits/bias', shape: [10] },
  { name: 'digits/kernel', shape: [784, 10] },
];

describe('modelSchema', () => {
  it('names the tensors of two models in one process alike', () => {
    const build = () => sequential({ layers: [layers.dense({ name: 'digits', units: 10, inputShape: [784] })] });
    const [one, two] = [build(), build()];
    expect(two.weights.map(({ name }) => name)).not.toEqual(one.weights.map(({ name }) => name));
    expect([modelSchema(one), modelSchema(two)]).toEqual([schema, schema]);
  });
});

describe('weights', () => {
  it('go into a model and come back in canonical order, each to its own tensor', () => {
    const model = chainModel({ widths: [2, 3, 1] });
    const values = Float32Array.from({ length: 13 }, (_, i) => i + 0.5);
    const before = memory();
    writeWeights(model, values);
    expect(readWeights(model)).toEqual(values);
    expect([...(model.getLayer('b').getWeights()[0]?.dataSync() ?? [])]).toEqual([10.5, 11.5, 12.5]);
    values.fill(0);
    expect(readWeights(model)[12]).toBe(12.5);
    expect(memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
  });

  it('of another number are an error', () => {
    expect(() => writeWeights(chainModel({ widths: [2, 1] }), new Float32Array(4))).toThrow(
      /expected 3 values, found 4/,
    );
  });
});

describe('schemaMismatch', () => {
  it('is nothing for the same tensors', () => {
    expect(schemaMismatch(schema, schema)).toBeUndefined();
  });

  it('suggests the nearest name for a tensor that the model lacks', () => {
    const model = [
      { name: 'digit/bias', shape: [10] },
      { name: 'digit/kernel', shape: [784, 10] },
    ];
    expect(schemaMismatch(model, schema)?.refusal).toMatchObject({
      code: 'unknown-tensor',
      expected: expect.stringContaining('"digits/bias"'),
      found: 'digit/bias, digit/kernel',
      hint: expect.stringContaining('"digit/bias"'),
    });
  });

  it('names a tensor that the federation lacks, and a shape of its own', () => {
    const more = [...schema, { name: 'extra/bias', shape: [1] }];
    expect(schemaMismatch(more, schema)?.refusal).toMatchObject({
      code: 'unknown-tensor',
      found: expect.stringContaining('"extra/bias"'),
    });
    const wider = [
      { name: 'digits/bias', shape: [10] },
      { name: 'digits/kernel', shape: [785, 10] },
    ];
    expect(schemaMismatch(wider, schema)?.refusal).toMatchObject({
      code: 'bad-shape',
      expected: 'tensor "digits/kernel" of shape [784, 10]',
      found: '[785, 10] in this client’s model',
    });
  });

  it('says so when there is nothing to suggest', () => {
    expect(schemaMismatch([], schema)?.refusal).not.toHaveProperty('hint');
    expect(schemaMismatch(schema, [])?.refusal.code).toBe('unknown-tensor');
  });
});
