import { describe, expect, it } from 'vitest';
import { examplesDigest, exampleSet } from '../../../client-sdk/training/example-set.ts';

const form = { inputLength: 2, outputLength: 3, classes: true };
const inputs = Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7);

describe('exampleSet', () => {
  it('gives the examples asked for, in that order, class numbers as one-hot rows', () => {
    const { count, batch } = exampleSet({ inputs, labels: Uint8Array.of(2, 0, 1, 2) }, form);
    expect(count).toBe(4);
    expect(batch(Uint32Array.of(3, 1))).toEqual({
      count: 2,
      inputs: Float32Array.of(6, 7, 2, 3),
      targets: Float32Array.of(0, 0, 1, 1, 0, 0),
    });
    expect(batch(new Uint32Array())).toEqual({ count: 0, inputs: new Float32Array(), targets: new Float32Array() });
  });

  it('gives whole rows of targets as they are', () => {
    const labels = Float32Array.from({ length: 12 }, (_, i) => i / 2);
    expect(exampleSet({ inputs, labels }, form).batch(Uint32Array.of(2)).targets).toEqual(Float32Array.of(3, 3.5, 4));
    const single = { inputLength: 2, outputLength: 1, classes: true };
    expect(exampleSet({ inputs, labels: [1, 0, 1, 0] }, single).batch(Uint32Array.of(0)).targets).toEqual(
      Float32Array.of(1),
    );
  });

  it('hands out copies', () => {
    const { batch } = exampleSet({ inputs, labels: [0, 0, 0, 0] }, form);
    batch(Uint32Array.of(0)).inputs.fill(9);
    expect(inputs[0]).toBe(0);
  });

  it.each([
    [Float32Array.of(1, 2, 3), [0], /2 values per example, found 3/],
    [inputs, [0, 1], /1 class number or 3 label values for each of 4 examples, found 2/],
    [inputs, [0, 1, 2, 3], /class numbers 0 to 2, found 3 at example 3/],
    [inputs, [0, 1, 0.5, 0], /found 0.5 at example 2/],
    [inputs, [0, 1, NaN, 0], /found NaN at example 2/],
    [inputs, [0, -1, 0, 0], /found -1 at example 1/],
  ])('refuses what does not fit the model', (given, labels, message) => {
    expect(() => exampleSet({ inputs: given, labels }, form)).toThrow(message);
  });

  it('takes class numbers for no loss but the one over classes', () => {
    expect(() => exampleSet({ inputs, labels: [0, 1, 2, 0] }, { ...form, classes: false })).toThrow(
      /expected 3 label values/,
    );
  });
});

describe('examplesDigest', () => {
  const labels = Uint8Array.of(2, 0, 1, 2);

  it('is of the values of inputs and labels, whatever arrays they came in and wherever they lie', async () => {
    const digest = await examplesDigest({ inputs, labels });
    const within = Float32Array.of(9, ...inputs, 9).subarray(1, 9);
    expect(await examplesDigest({ inputs: within, labels: [...labels] })).toBe(digest);
    // SHA-256 of 0 to 7 as float32 and 2, 0, 1, 2 as float64, little-endian: hashlib over struct.pack('<8f4d', …).
    expect(digest).toBe('914ad05aece39da42f014feeae428b1200e3b2c54bda1097ce0e24f23c11eb3f');
  });

  it('is another for another value, order or label, and for the same labels as rows', async () => {
    const all = [
      { inputs, labels },
      { inputs, labels: [0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1] },
      { inputs: inputs.slice().reverse(), labels },
      { inputs, labels: labels.slice().reverse() },
      { inputs: inputs.subarray(0, 6), labels: labels.subarray(0, 3) },
    ];
    expect(new Set(await Promise.all(all.map(examplesDigest))).size).toBe(5);
  });
});
