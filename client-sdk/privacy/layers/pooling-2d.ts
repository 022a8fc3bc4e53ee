// MaxPooling2D and AveragePooling2D over a window table, in plain loops: they give back the gradient of a maximum to the
// first place that holds it, and that of an average to every place of the window that lies in the image.

import { tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type ChainLayer, parameterFree } from './chain-layer.ts';
import { floatsOf } from './floats.ts';
import { channelsLast, imageOf, padding, pair } from './image-settings.ts';
import { type LayerSource, settingsOf } from './layer-source.ts';
import { type Extent, gatherPatches, scatterPatches, type Windows, windowsOf } from './windows.ts';

const schema = z.object({ poolSize: pair, strides: pair, padding, dataFormat: channelsLast });

function windowsFor(source: LayerSource): Windows {
  const { poolSize, strides, padding: padded } = settingsOf(source, schema);
  return windowsOf({ image: imageOf(source).image, window: poolSize, strides, dilation: [1, 1], padding: padded });
}

export function maxPooling2dLayer(source: LayerSource): readonly ChainLayer[] {
  const windows = windowsFor(source);
  const { channels } = imageOf(source);
  const layer = parameterFree(source, (inputs) => {
    const count = inputs.shape[0] ?? 0;
    const { values, places } = maxima(floatsOf(inputs), windows, { count, channels });
    return {
      outputs: tensor(values, [count, ...source.outputShape]),
      back: (outputGradients) => tensor(atMaxima(floatsOf(outputGradients), places, inputs.size), inputs.shape),
    };
  });
  return [layer];
}

/** And where each of them stands in the image. */
function maxima(
  image: Float32Array,
  { sources, windowPositions, imagePositions, resultPositions }: Windows,
  { count, channels }: Extent,
): { values: Float32Array; places: Int32Array } {
  const values = new Float32Array(count * resultPositions * channels).fill(-Infinity);
  const places = new Int32Array(values.length).fill(-1);
  for (let result = 0; result < count * resultPositions; result++) {
    const first = (result % resultPositions) * windowPositions;
    const start = Math.floor(result / resultPositions) * imagePositions;
    for (let k = first; k < first + windowPositions; k++) {
      const source = sources[k] ?? -1;
      if (source < 0) continue;
      const read = (start + source) * channels;
      const write = result * channels;
      for (let c = 0; c < channels; c++) {
        const value = image[read + c] ?? 0;
        if (value <= (values[write + c] ?? 0)) continue;
        values[write + c] = value;
        places[write + c] = read + c;
      }
    }
  }
  return { values, places };
}

/** Each result's gradient at the place of its maximum. */
function atMaxima(gradients: Float32Array, places: Int32Array, length: number): Float32Array {
  const before = new Float32Array(length);
  for (let i = 0; i < gradients.length; i++) {
    const place = places[i] ?? -1;
    if (place >= 0) before[place] = (before[place] ?? 0) + (gradients[i] ?? 0);
  }
  return before;
}

export function averagePooling2dLayer(source: LayerSource): readonly ChainLayer[] {
  const windows = windowsFor(source);
  const { channels } = imageOf(source);
  const averaging = { windows, shares: sharesOf(windows), channels };
  const layer = parameterFree(source, (inputs) => {
    const extent = { count: inputs.shape[0] ?? 0, channels };
    const patches = gatherPatches(floatsOf(inputs), windows, extent);
    return {
      outputs: tensor(averages(patches, averaging), [extent.count, ...source.outputShape]),
      back: (outputGradients) => {
        const patchGradients = spread(floatsOf(outputGradients), averaging);
        return tensor(scatterPatches(patchGradients, windows, extent), inputs.shape);
      },
    };
  });
  return [layer];
}

/** 1 / how many places of each window lie in the image. */
function sharesOf({ sources, windowPositions, resultPositions }: Windows): Float64Array {
  return Float64Array.from({ length: resultPositions }, (_, p) => {
    const places = sources.subarray(p * windowPositions, (p + 1) * windowPositions);
    return 1 / places.filter((source) => source >= 0).length;
  });
}

interface Averaging {
  readonly windows: Windows;
  readonly shares: Float64Array;
  readonly channels: number;
}

function averages(patches: Float32Array, { windows, shares, channels }: Averaging): Float32Array {
  const { windowPositions, resultPositions } = windows;
  const sums = new Float32Array(patches.length / windowPositions);
  patches.forEach((value, i) => {
    const window = Math.floor(i / (windowPositions * channels));
    const at = window * channels + (i % channels);
    sums[at] = (sums[at] ?? 0) + value * (shares[window % resultPositions] ?? 0);
  });
  return sums;
}

/** The transpose: each result's gradient, shared out over its window. */
function spread(gradients: Float32Array, { windows, shares, channels }: Averaging): Float32Array {
  const { windowPositions, resultPositions } = windows;
  const patches = new Float32Array(gradients.length * windowPositions);
  for (let i = 0; i < patches.length; i++) {
    const window = Math.floor(i / (windowPositions * channels));
    patches[i] = (gradients[window * channels + (i % channels)] ?? 0) * (shares[window % resultPositions] ?? 0);
  }
  return patches;
}
