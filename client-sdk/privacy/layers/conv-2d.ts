// Conv2D as a product of matrices: every window of the image is written as a row (im2col, Chellapilla et al. 2006), the
// kernel is the matrix. The way back adds each row's gradient to the places it came from. No backend needs a kernel of
// its own for it, so that WebAssembly, which has none for the gradients of convolutions, trains them as well. The native
// backend has one that is faster than to fetch the rows.

import { conv2dTranspose, getBackend, reshape, type Tensor, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type Affine, affineLayer, affineOf } from './affine.ts';
import type { ChainLayer } from './chain-layer.ts';
import { floatsOf, rowsOf, tensorOf } from './floats.ts';
import { type LayerSource, settingsOf } from './layer-source.ts';
import { channelsLast, imageOf, padding, pair } from './image-settings.ts';
import { newRoom } from './room.ts';
import { gatherPatches, scatterPatches, windowsOf } from './windows.ts';

const schema = z.object({
  kernelSize: pair,
  strides: pair,
  padding,
  dilationRate: pair,
  dataFormat: channelsLast,
  groups: z.literal(1, 'expected no groups').optional(),
});

export function conv2dLayer(source: LayerSource): readonly ChainLayer[] {
  const settings = settingsOf(source, schema);
  const { image, channels } = imageOf(source);
  const windows = windowsOf({
    image,
    window: settings.kernelSize,
    strides: settings.strides,
    dilation: settings.dilationRate,
    padding: settings.padding,
  });
  const inputWidth = windows.windowPositions * channels;
  const affine = affineOf(source, { positions: windows.resultPositions, inputWidth });
  const rooms = { patches: newRoom(), image: newRoom() };
  return affineLayer(source, affine, (inputs, weights) => {
    const extent = { count: inputs.shape[0] ?? 0, channels };
    const patches = gatherPatches(floatsOf(inputs), windows, { ...extent, room: rooms.patches });
    return {
      matrix: rowsOf(tensorOf(patches, [patches.length]), inputWidth),
      atInputs: ({ atRows, atOutputs }) => {
        if (isTransposedByBackend(settings)) return transposed(atOutputs, { weights, affine, source, settings });
        return tensorOf(scatterPatches(floatsOf(atRows()), windows, { ...extent, room: rooms.image }), inputs.shape);
      },
    };
  });
}

type Settings = z.infer<typeof schema>;

/** TensorFlow has no gradient of a convolution with gaps on a processor. */
const isTransposedByBackend = ({ dilationRate: [rows, columns] }: Settings): boolean =>
  getBackend() === 'tensorflow' && rows === 1 && columns === 1;

interface Convolution {
  readonly weights: Float32Array;
  readonly affine: Affine;
  readonly source: LayerSource;
  readonly settings: Settings;
}

/** The gradients at the inputs, by the backend's own transpose of the convolution. */
function transposed(outputGradients: Tensor, { weights, affine, source, settings }: Convolution): Tensor {
  const { image, channels } = imageOf(source);
  const [height, width] = settings.kernelSize;
  const [count = 0] = outputGradients.shape;
  const [rows = 1, columns = 1, filters = 1] = source.outputShape;
  const values = weights.slice(affine.kernelOffset, affine.kernelOffset + affine.inputWidth * filters);
  const kernel = tensor4d(values, [height, width, channels, filters]);
  const gradients: Tensor4D = reshape(outputGradients, [count, rows, columns, filters]);
  return conv2dTranspose(gradients, kernel, [count, ...image, channels], settings.strides, settings.padding);
}
