// Conv2D as a product of matrices: every window of the image is written as a row (im2col, Chellapilla et al. 2006), the
// kernel is the matrix. The way back adds each row's gradient to the places it came from. No backend needs a kernel of
// its own for it, so that WebAssembly, which has none for the gradients of convolutions, trains them as well.

import { reshape } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { activationOf } from './activation.ts';
import { affineValuesPerExample, runAffine } from './affine.ts';
import { type ChainLayer, sized } from './chain-layer.ts';
import { floatsOf, rowsOf, tensorOf } from './floats.ts';
import { type LayerSource, ownWeightOffset, settingsOf, weightOffset } from './layer-source.ts';
import { channelsLast, imageOf, padding, pair } from './image-settings.ts';
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
  const affine = {
    positions: windows.resultPositions,
    inputWidth: windows.windowPositions * channels,
    outputWidth: source.outputShape.at(-1) ?? 1,
    kernelOffset: ownWeightOffset(source, 'kernel'),
    biasOffset: weightOffset(source, 'bias'),
  };
  const conv: ChainLayer = {
    ...sized(source),
    activation: null,
    trainable: true,
    valuesPerExample: affineValuesPerExample(affine),
    run: (inputs, weights) => {
      const count = inputs.shape[0] ?? 0;
      const patches = gatherPatches(floatsOf(inputs), windows, { count, channels });
      const matrix = rowsOf(tensorOf(patches, [patches.length]), affine.inputWidth);
      const { outputs, back } = runAffine({ matrix, count }, weights, affine);
      return {
        outputs: reshape(outputs, [count, ...source.outputShape]),
        back: (outputGradients) => {
          const { own, atRows } = back(outputGradients);
          const atInputs = () => scatterPatches(floatsOf(atRows()), windows, { count, channels });
          return { own, atInputs: () => tensorOf(atInputs(), inputs.shape) };
        },
      };
    },
  };
  return [conv, ...activationOf(source)];
}
