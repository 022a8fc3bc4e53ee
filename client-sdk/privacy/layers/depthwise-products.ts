// The loops of DepthwiseConv2D over a window table, for channel c and result m of it:
//   y[p, c, m] = b[c, m] + sum_k x[source(p, k), c] w[k, c, m],
// its gradient at x, and each example's own gradients of w and b, summed in float64.

import type { Windows } from './windows.ts';

export interface Depthwise {
  readonly windows: Windows;
  readonly channels: number;
  /** Results for each channel. */
  readonly multiplier: number;
  readonly count: number;
}

interface Place {
  readonly example: number;
  /** The first value, of channel 0, at each of the three. */
  readonly result: number;
  readonly source: number;
  readonly kernel: number;
}

type Channel = (result: number, source: number, kernel: number) => void;

export function results(
  depthwise: Depthwise,
  given: { readonly values: Float32Array; readonly kernel: Float32Array; readonly bias: Float32Array | null },
): Float32Array {
  const { windows, channels, multiplier, count } = depthwise;
  const { values, kernel, bias } = given;
  const sums = new Float32Array(count * windows.resultPositions * channels * multiplier);
  if (bias !== null) for (let i = 0; i < sums.length; i += bias.length) sums.set(bias, i);
  eachPlace(depthwise, (place) =>
    eachChannel(depthwise, place, (r, s, k) => {
      sums[r] = (sums[r] ?? 0) + (values[s] ?? 0) * (kernel[k] ?? 0);
    }),
  );
  return sums;
}

export function inputGradients(
  depthwise: Depthwise,
  { gradients, kernel }: { readonly gradients: Float32Array; readonly kernel: Float32Array },
): Float32Array {
  const { windows, channels, count } = depthwise;
  const sums = new Float32Array(count * windows.imagePositions * channels);
  eachPlace(depthwise, (place) =>
    eachChannel(depthwise, place, (r, s, k) => {
      sums[s] = (sums[s] ?? 0) + (gradients[r] ?? 0) * (kernel[k] ?? 0);
    }),
  );
  return sums;
}

/** count x the kernel's values. */
export function kernelGradients(
  depthwise: Depthwise,
  { values, gradients }: { readonly values: Float32Array; readonly gradients: Float32Array },
): Float32Array {
  const { windows, channels, multiplier, count } = depthwise;
  const length = windows.windowPositions * channels * multiplier;
  const sums = new Float64Array(count * length);
  eachPlace(depthwise, (place) => {
    const start = place.example * length;
    eachChannel(depthwise, place, (r, s, k) => {
      sums[start + k] = (sums[start + k] ?? 0) + (values[s] ?? 0) * (gradients[r] ?? 0);
    });
  });
  return new Float32Array(sums);
}

/** count x one value per result channel. */
export function biasGradients(
  { windows, channels, multiplier, count }: Depthwise,
  gradients: Float32Array,
): Float32Array {
  const width = channels * multiplier;
  const sums = new Float64Array(count * width);
  for (let r = 0; r < gradients.length; r++) {
    const at = Math.floor(r / (windows.resultPositions * width)) * width + (r % width);
    sums[at] = (sums[at] ?? 0) + (gradients[r] ?? 0);
  }
  return new Float32Array(sums);
}

function eachPlace({ windows, channels, multiplier, count }: Depthwise, visit: (place: Place) => void): void {
  const { sources, windowPositions, imagePositions, resultPositions } = windows;
  for (let example = 0; example < count; example++) {
    for (let s = 0; s < sources.length; s++) {
      const source = sources[s] ?? -1;
      if (source < 0) continue;
      const result = example * resultPositions + Math.floor(s / windowPositions);
      visit({
        example,
        result: result * channels * multiplier,
        source: (example * imagePositions + source) * channels,
        kernel: (s % windowPositions) * channels * multiplier,
      });
    }
  }
}

function eachChannel({ channels, multiplier }: Depthwise, { result, source, kernel }: Place, visit: Channel): void {
  for (let c = 0; c < channels; c++) {
    for (let m = 0; m < multiplier; m++) visit(result + c * multiplier + m, source + c, kernel + c * multiplier + m);
  }
}
