// MaxPooling2D and AveragePooling2D: they give back the gradient of a maximum to the first place that holds it, and that
// of an average to every place of the window that lies in the image. In plain loops over a window table, several times
// faster than the gradients that backends have.

import { maxPool, reshape, type Tensor4D } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type ChainLayer, parameterFree } from './chain-layer.ts';
import { floatsOf, tensorOf } from './floats.ts';
import { channelsLast, imageOf, padding, pair } from './image-settings.ts';
import { newRoom } from './room.ts';
import { type LayerSource, settingsOf } from './layer-source.ts';
import { type Extent, gatherPatches, scatterPatches, type Windows, windowsOf } from './windows.ts';

const schema = z.object({ poolSize: pair, strides: pair, padding, dataFormat: channelsLast });

function windowsFor(source: LayerSource): Windows {
  const { poolSize, strides, padding: padded } = settingsOf(source, schema);
  return windowsOf({ image: imageOf(source).image, window: poolSize, strides, dilation: [1, 1], padding: padded });
}

export function maxPooling2dLayer(source: LayerSource): readonly ChainLayer[] {
  const { poolSize, strides, padding: padded } = settingsOf(source, schema);
  const windows = windowsFor(source);
  const { image, channels } = imageOf(source);
  const room = newRoom();
  const layer = parameterFree(source, (inputs) => {
    const extent = { count: inputs.shape[0] ?? 0, channels, room };
    const outputs = maxPool<Tensor4D>(reshape(inputs, [extent.count, ...image, channels]), poolSize, strides, padded);
    return {
      outputs,
      back: (outputGradients) => {
        const given = { image: floatsOf(inputs), largest: floatsOf(outputs), gradients: floatsOf(outputGradients) };
        return tensorOf(atMaxima(given, windows, extent), inputs.shape);
      },
    };
  });
  return [layer];
}

interface Maxima {
  readonly image: Float32Array;
  readonly largest: Float32Array;
  readonly gradients: Float32Array;
}

/** Each result's gradient at the first place of its window that holds the maximum. */
function atMaxima(
  { image, largest, gradients }: Maxima,
  { sources, windowPositions, imagePositions, resultPositions }: Windows,
  { count, channels, room }: Extent,
): Float32Array {
  const before = room(image.length);
  for (let result = 0; result < count * resultPositions; result++) {
    const first = (result % resultPositions) * windowPositions;
    const start = Math.floor(result / resultPositions) * imagePositions;
    for (let c = 0; c < channels; c++) {
      const i = result * channels + c;
      const gradient = gradients[i] ?? 0;
      if (gradient === 0) continue;
      for (let k = first; k < first + windowPositions; k++) {
        const source = sources[k] ?? -1;
        const at = (start + source) * channels + c;
        if (source < 0 || image[at] !== largest[i]) continue;
        before[at] = (before[at] ?? 0) + gradient;
        break;
      }
    }
  }
  return before;
}

export function averagePooling2dLayer(source: LayerSource): readonly ChainLayer[] {
  const windows = windowsFor(source);
  const { channels } = imageOf(source);
  const averaging = { windows, shares: sharesOf(windows), channels };
  const rooms = { patches: newRoom(), image: newRoom() };
  const layer = parameterFree(source, (inputs) => {
    const count = inputs.shape[0] ?? 0;
    const patches = gatherPatches(floatsOf(inputs), windows, { count, channels, room: rooms.patches });
    return {
      outputs: tensorOf(averages(patches, averaging), [count, ...source.outputShape]),
      back: (outputGradients) => {
        const patchGradients = spread(floatsOf(outputGradients), averaging);
        return tensorOf(scatterPatches(patchGradients, windows, { count, channels, room: rooms.image }), inputs.shape);
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
  const means = new Float32Array(patches.length / windowPositions);
  for (let result = 0; result < means.length / channels; result++) {
    const share = shares[result % resultPositions] ?? 0;
    for (let k = 0; k < windowPositions; k++) {
      const read = (result * windowPositions + k) * channels;
      const write = result * channels;
      for (let c = 0; c < channels; c++) means[write + c] = (means[write + c] ?? 0) + share * (patches[read + c] ?? 0);
    }
  }
  return means;
}

/** The transpose: each result's gradient, shared out over its window. */
function spread(gradients: Float32Array, { windows, shares, channels }: Averaging): Float32Array {
  const { windowPositions, resultPositions } = windows;
  const patches = new Float32Array(gradients.length * windowPositions);
  for (let result = 0; result < gradients.length / channels; result++) {
    const share = shares[result % resultPositions] ?? 0;
    for (let k = 0; k < windowPositions; k++) {
      const write = (result * windowPositions + k) * channels;
      const read = result * channels;
      for (let c = 0; c < channels; c++) patches[write + c] = share * (gradients[read + c] ?? 0);
    }
  }
  return patches;
}
