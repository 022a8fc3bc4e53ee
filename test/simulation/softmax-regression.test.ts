import { describe, expect, it } from 'vitest';
import { modelSchema } from '../../client-sdk/training/model-layout.ts';
import { loadBackend } from '../../client-sdk/training/load-backend.ts';
import { parameterCount } from '../../shared/update-format/tensor-schema.ts';
import { type Digits, loadDigits, takeDigits } from '../../simulation/digits.ts';
import { accuracyOf, softmaxRegressionModel, softmaxRegressionSchema } from '../../simulation/softmax-regression.ts';

const KERNEL_OFFSET = 10;

/** Image k has one bright pixel, the k-th; its true class is labels[k]. */
function onePixelDigits(labels: readonly number[]): Digits {
  const images = new Float32Array(labels.length * 784);
  labels.forEach((_, k) => (images[k * 784 + k] = 0.5));
  return { images, labels: Uint8Array.from(labels), count: labels.length };
}

/** Pixel k pulls towards class pulls[k]. */
function pullingModel(pulls: readonly number[]): Float32Array {
  const parameters = new Float32Array(7850);
  pulls.forEach((pulled, pixel) => (parameters[KERNEL_OFFSET + pixel * 10 + pulled] = 2));
  return parameters;
}

describe('accuracy', () => {
  it('is the share of digits whose own class gets the largest logit', () => {
    expect(accuracyOf(pullingModel([3, 1, 4, 1]), onePixelDigits([3, 1, 4, 1]))).toBe(1);
    expect(accuracyOf(pullingModel([3, 1, 4, 1]), onePixelDigits([3, 1, 4, 9]))).toBe(0.75);
  });

  it('counts the bias: one larger than every pull decides alone', () => {
    const parameters = pullingModel([3, 1, 4, 1]);
    parameters[9] = 1.5;
    expect(accuracyOf(parameters, onePixelDigits([3, 1, 4, 9]))).toBe(0.25);
  });

  it('gives ties to the first class', () => {
    expect(accuracyOf(new Float32Array(7850), onePixelDigits([0, 1, 2, 3]))).toBe(0.25);
  });

  it('takes a class whose logit is NaN for the answer, so that a broken model is not flattered', () => {
    const parameters = pullingModel([3, 1, 4, 1]);
    parameters[7] = NaN;
    expect(accuracyOf(parameters, onePixelDigits([3, 1, 4, 7]))).toBe(0.25);
    expect(accuracyOf(parameters.fill(NaN), onePixelDigits([0, 1, 4, 0]))).toBe(0.5);
  });

  it('is what test/oracles/digits.py finds on real digits', async () => {
    const digits = await loadDigits();
    const everyFifth = takeDigits(
      digits,
      [...digits.labels.keys()].filter((index) => index % 5 === 0),
    );
    const madeUp = Float32Array.from({ length: 7850 }, (_, i) => (((i * 37) % 101) - 50) / 1000);
    expect(accuracyOf(madeUp, everyFifth)).toBe(0.086);
    expect(accuracyOf(classMeans(digits), everyFifth)).toBe(0.798);
  });
});

describe('the demo’s model', () => {
  it('has the tensors that its tfjs form has, bias first', async () => {
    await loadBackend();
    const model = await softmaxRegressionModel();
    expect(modelSchema(model)).toEqual(softmaxRegressionSchema);
    expect(softmaxRegressionSchema.map(({ name }) => name)).toEqual(['digits/bias', 'digits/kernel']);
    expect(parameterCount(softmaxRegressionSchema)).toBe(7850);
    model.dispose();
  });
});

/** A linear classifier without training: kernel = mean image of each class, bias = -|mean|^2 / 2. */
function classMeans({ images, labels, count }: Digits): Float32Array {
  const parameters = new Float32Array(7850);
  for (let digit = 0; digit < 10; digit++) {
    const sum = new Float64Array(784);
    let members = 0;
    for (let row = 0; row < count; row++) {
      if (labels[row] !== digit) continue;
      members++;
      for (let pixel = 0; pixel < 784; pixel++) sum[pixel] = (sum[pixel] ?? NaN) + (images[row * 784 + pixel] ?? NaN);
    }
    sum.forEach((total, pixel) => (parameters[KERNEL_OFFSET + pixel * 10 + digit] = total / members));
    parameters[digit] = -0.5 * sum.reduce((norm, total) => norm + (total / members) ** 2, 0);
  }
  return parameters;
}
