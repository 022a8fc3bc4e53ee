// LayerNormalization over the last axes of each example, y = gamma x^ + beta with x^ = (x - mean) / sqrt(variance + eps)
// (Ba et al., arXiv 1607.06450, section 3). An example's own gradients are sum_pos g x^ and sum_pos g. In float64: few
// values, and a variance is a difference.

import { z } from 'zod';
import { type ChainLayer, productOf, sized } from './chain-layer.ts';
import { type ExampleGradients, together, writtenOut } from './example-gradients.ts';
import { floatsOf, tensorOf } from './floats.ts';
import { type LayerSource, settingsOf, weightOffset } from './layer-source.ts';
import { UnsupportedModelError } from './unsupported-model-error.ts';

const schema = z.object({ axis: z.union([z.int(), z.array(z.int())]), epsilon: z.number() });

export function layerNormalizationLayer(source: LayerSource): readonly ChainLayer[] {
  const { epsilon, axis } = settingsOf(source, schema);
  const width = productOf(source.inputShape.slice(firstAxis(source, [axis].flat()) - 1));
  const [gammaOffset, betaOffset] = [weightOffset(source, 'gamma'), weightOffset(source, 'beta')];
  const shapes = sized(source);
  return [
    {
      ...shapes,
      activation: null,
      trainable: gammaOffset !== null || betaOffset !== null,
      valuesPerExample: 6 * shapes.outputLength + 4 * width,
      run: (inputs, weights) => {
        const count = inputs.shape[0] ?? 0;
        const gamma = gammaOffset === null ? null : weights.subarray(gammaOffset, gammaOffset + width);
        const beta = betaOffset === null ? null : weights.subarray(betaOffset, betaOffset + width);
        const { normalised, deviations } = normalise(floatsOf(inputs), width, epsilon);
        const scaled = normalised.map((value, i) => value * (gamma?.[i % width] ?? 1) + (beta?.[i % width] ?? 0));
        return {
          outputs: tensorOf(new Float32Array(scaled), inputs.shape),
          back: (outputGradients) => {
            const gradients = floatsOf(outputGradients);
            const own: ExampleGradients[] = [];
            const sums = { gradients, width, count };
            if (gammaOffset !== null) own.push(writtenOut(summed(sums, normalised), gammaOffset));
            if (betaOffset !== null) own.push(writtenOut(summed(sums, null), betaOffset));
            const before = { gradients, normalised, deviations, gamma };
            return { own: together(own), atInputs: () => tensorOf(gradientsBefore(before), inputs.shape) };
          },
        };
      },
    },
  ];
}

/** The axes counted with the batch, as the built layer has them. They must be the last ones, in order. */
function firstAxis({ layer, inputShape }: LayerSource, axes: readonly number[]): number {
  const rank = inputShape.length + 1;
  const found = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const first = rank - axes.length;
  if (first < 1 || found.some((axis, i) => axis !== first + i)) {
    throw new UnsupportedModelError(layer, 'the last axes, the batch not among them', 'put a permute layer before it');
  }
  return first;
}

interface Normalised {
  readonly normalised: Float64Array;
  /** sqrt(variance + eps) of each group. */
  readonly deviations: Float64Array;
}

function normalise(values: Float32Array, width: number, epsilon: number): Normalised {
  const normalised = new Float64Array(values.length);
  const deviations = new Float64Array(values.length / width);
  deviations.forEach((_, group) => {
    const part = values.subarray(group * width, (group + 1) * width);
    const mean = part.reduce((sum, value) => sum + value, 0) / width;
    const variance = part.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    const deviation = Math.sqrt(variance + epsilon);
    deviations[group] = deviation;
    part.forEach((value, i) => (normalised[group * width + i] = (value - mean) / deviation));
  });
  return { normalised, deviations };
}

interface Sums {
  readonly gradients: Float32Array;
  readonly width: number;
  readonly count: number;
}

/** Each example's sum over its positions of the gradients, times `by` where given. */
function summed({ gradients, width, count }: Sums, by: Float64Array | null): Float32Array {
  const sums = new Float64Array(count * width);
  const length = gradients.length / count;
  gradients.forEach((value, i) => {
    const at = Math.floor(i / length) * width + (i % width);
    sums[at] = (sums[at] ?? 0) + value * (by?.[i] ?? 1);
  });
  return new Float32Array(sums);
}

interface Before extends Normalised {
  readonly gradients: Float32Array;
  readonly gamma: Float32Array | null;
}

/** With h = g gamma, per group: (h - mean(h) - x^ mean(h x^)) / sqrt(variance + eps). */
function gradientsBefore({ gradients, normalised, deviations, gamma }: Before): Float32Array {
  const width = gradients.length / deviations.length;
  const before = new Float32Array(gradients.length);
  deviations.forEach((deviation, group) => {
    const start = group * width;
    const h = Float64Array.from({ length: width }, (_, i) => (gradients[start + i] ?? 0) * (gamma?.[i] ?? 1));
    const mean = h.reduce((sum, value) => sum + value, 0) / width;
    const slope = h.reduce((sum, value, i) => sum + value * (normalised[start + i] ?? 0), 0) / width;
    h.forEach((value, i) => (before[start + i] = (value - mean - (normalised[start + i] ?? 0) * slope) / deviation));
  });
  return before;
}
