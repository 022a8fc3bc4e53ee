import { tensor2d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { isWrittenOut, outerProductGradients } from '../../../../client-sdk/privacy/layers/outer-products.ts';
import { startBackend } from '../../../../client-sdk/training/load-backend.ts';
import { builtBackends } from '../../../support/built-backends.ts';
import { normals, normL2 } from '../../../support/chain-models.ts';
import { fc } from '../../../support/properties.ts';

const OUTPUT_WIDTH = 9;
const MARGIN = 1 - 2 ** -10;

interface Case {
  readonly positions: number;
  readonly inputWidth: number;
  readonly inputScale: number;
  readonly gradientScale: number;
  /** How far the sum over positions is from cancelling altogether. */
  readonly remainder: number;
  readonly seed: number;
}

/** Two examples; in each, positions repeat one input, up to the remainder, under gradients that sum to nothing. */
function valuesOf({ positions, inputWidth, inputScale, gradientScale, remainder, seed }: Case) {
  const count = 2;
  const base = normals(count * inputWidth, seed, inputScale);
  const noise = normals(count * positions * inputWidth, seed + 1, inputScale * remainder);
  const inputs = noise.map((value, i) => {
    const example = Math.floor(i / (positions * inputWidth));
    return (base[example * inputWidth + (i % inputWidth)] ?? NaN) + value;
  });
  const gradients = normals(count * positions * OUTPUT_WIDTH, seed + 2, gradientScale);
  if (positions === 1) return { count, inputs, gradients };
  for (let example = 0; example < count; example++)
    for (let o = 0; o < OUTPUT_WIDTH; o++) {
      const at = (t: number): number => (example * positions + t) * OUTPUT_WIDTH + o;
      const others = Array.from({ length: positions - 1 }, (_, t) => gradients[at(t)] ?? NaN);
      gradients[at(positions - 1)] = -others.reduce((sum, value) => sum + value, 0);
    }
  return { count, inputs, gradients };
}

function matricesOf(
  { count, inputs, gradients }: { count: number; inputs: Float32Array; gradients: Float32Array },
  { positions, inputWidth, outputWidth }: { positions: number; inputWidth: number; outputWidth: number },
) {
  const rows = count * positions;
  return {
    count,
    inputs: tensor2d(inputs, [rows, inputWidth]),
    gradients: tensor2d(gradients, [rows, outputWidth]),
  };
}

/** One example's gradient in float64, by its definition. */
function definition(
  { inputs, gradients }: { inputs: Float32Array; gradients: Float32Array },
  { positions, inputWidth }: Case,
  example: number,
): Float64Array {
  const sum = new Float64Array(inputWidth * OUTPUT_WIDTH);
  for (let t = example * positions; t < (example + 1) * positions; t++)
    sum.forEach((value, i) => {
      const [k, o] = [Math.floor(i / OUTPUT_WIDTH), i % OUTPUT_WIDTH];
      sum[i] = value + (inputs[t * inputWidth + k] ?? NaN) * (gradients[t * OUTPUT_WIDTH + o] ?? NaN);
    });
  return sum;
}

const exponent = (min: number, max: number): fc.Arbitrary<number> =>
  fc.double({ min, max, noNaN: true }).map((power) => 10 ** power);

const cases = (positions: number[], inputWidth: number): fc.Arbitrary<Case> =>
  fc.record({
    positions: fc.constantFrom(...positions),
    inputWidth: fc.constant(inputWidth),
    inputScale: exponent(-15, 15),
    gradientScale: exponent(-15, 15),
    remainder: exponent(-9, 0),
    seed: fc.nat(1000),
  });

describe.each(await builtBackends())('gradients that are sums of outer products (%s)', (backend) => {
  beforeAll(async () => {
    await startBackend(backend);
  });

  it.each([
    ['norms of Gram matrices', [1, 2, 3], 11, false],
    ['gradients written out', [6, 9], 3, true],
  ] as const)(
    'are clipped to the bound however far their positions cancel: %s',
    (_, positions, inputWidth, writtenOut) => {
      fc.assert(
        fc.property(cases([...positions], inputWidth), exponent(-6, 0), (one, clip) => {
          const shape = { positions: one.positions, inputWidth, outputWidth: OUTPUT_WIDTH };
          expect(isWrittenOut(shape)).toBe(writtenOut);
          const values = valuesOf(one);
          const found = outerProductGradients({
            ...shape,
            ...matricesOf(values, shape),
            kernelOffset: 1,
            biasOffset: null,
          });
          const squaredNorms = new Float64Array(2);
          found.addSquaredNorms(squaredNorms);
          const norms = squaredNorms.map(Math.sqrt);
          norms.forEach((norm, example) => {
            const factors = new Float64Array(2);
            const factor = Math.min(1, (clip * MARGIN) / norm);
            factors[example] = factor;
            const sum = new Float64Array(1 + inputWidth * OUTPUT_WIDTH);
            found.addTo(sum, factors);
            expect(normL2(sum)).toBeLessThanOrEqual(clip);
            const expected = definition(values, one, example);
            // Against what does not cancel: |a| |g|.
            const size = factor * normL2(values.inputs) * normL2(values.gradients);
            expected.forEach((value, i) =>
              expect(Math.abs((sum[i + 1] ?? NaN) - factor * value)).toBeLessThanOrEqual(1e-6 * size),
            );
            const exact = normL2(expected);
            if (!writtenOut) expect(Math.abs(norm - exact)).toBeLessThanOrEqual(1e-4 * exact);
          });
        }),
        { numRuns: 150, seed: 1 },
      );
    },
  );

  it('stay finite where both sides together leave the range of float32', () => {
    const shape = { positions: 1, inputWidth: 2, outputWidth: 1, kernelOffset: 0, biasOffset: null };
    const far = { count: 2, inputs: Float32Array.of(1e30, 2e30, 1, 1), gradients: Float32Array.of(1e30, 1) };
    const sum = new Float64Array(2);
    outerProductGradients({ ...shape, ...matricesOf(far, shape) }).addTo(sum, Float64Array.of(1, 1));
    expect(sum[0]).toBeGreaterThan(9e59);
    expect(sum[1]).toBeLessThan(3e60);
  });
});
