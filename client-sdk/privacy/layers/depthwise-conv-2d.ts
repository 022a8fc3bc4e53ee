// DepthwiseConv2D: every channel has a window of its own and yields `depthMultiplier` results. Plain loops over the
// window table: the kernels are small and no backend of ours but the native one has their gradients.

import { z } from 'zod';
import { activationOf } from './activation.ts';
import { type ChainLayer, sized } from './chain-layer.ts';
import { together, writtenOut } from './example-gradients.ts';
import { floatsOf, tensorOf } from './floats.ts';
import { biasGradients, inputGradients, kernelGradients, results } from './depthwise-products.ts';
import { channelsLast, imageOf, padding, pair } from './image-settings.ts';
import { type LayerSource, ownWeightOffset, settingsOf, weightOffset } from './layer-source.ts';
import { windowsOf } from './windows.ts';

const undilated = z.literal(1, 'expected a dilation of 1, which TensorFlow.js applies whatever the setting');
const schema = z.object({
  kernelSize: pair,
  strides: pair,
  padding,
  dilationRate: z.tuple([undilated, undilated]),
  dataFormat: channelsLast,
  depthMultiplier: z.int().positive(),
});

export function depthwiseConv2dLayer(source: LayerSource): readonly ChainLayer[] {
  const { kernelSize, strides, depthMultiplier: multiplier, ...settings } = settingsOf(source, schema);
  const { image, channels } = imageOf(source);
  const windows = windowsOf({ image, window: kernelSize, strides, dilation: [1, 1], padding: settings.padding });
  const depthwise = { windows, channels, multiplier };
  const kernelOffset = ownWeightOffset(source, 'depthwise_kernel');
  const kernelLength = windows.windowPositions * channels * multiplier;
  const biasOffset = weightOffset(source, 'bias');
  const conv: ChainLayer = {
    ...sized(source),
    activation: null,
    trainable: true,
    valuesPerExample: 2 * windows.resultPositions * channels * multiplier + 2 * kernelLength,
    run: (inputs, weights) => {
      const count = inputs.shape[0] ?? 0;
      const values = floatsOf(inputs);
      const kernel = weights.subarray(kernelOffset, kernelOffset + kernelLength);
      const bias = biasOffset === null ? null : weights.subarray(biasOffset, biasOffset + channels * multiplier);
      return {
        outputs: tensorOf(results({ ...depthwise, count }, { values, kernel, bias }), [count, ...source.outputShape]),
        back: (outputGradients) => {
          const gradients = floatsOf(outputGradients);
          const kernels = writtenOut(kernelGradients({ ...depthwise, count }, { values, gradients }), kernelOffset);
          const biases =
            biasOffset === null ? [] : [writtenOut(biasGradients({ ...depthwise, count }, gradients), biasOffset)];
          return {
            own: together([kernels, ...biases]),
            atInputs: () => tensorOf(inputGradients({ ...depthwise, count }, { gradients, kernel }), inputs.shape),
          };
        },
      };
    },
  };
  return [conv, ...activationOf(source)];
}
