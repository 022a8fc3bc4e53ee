// A layer of a model in, copies of it out that hold any weights and live no longer than they are used: the model itself
// may be gone by then, and is never written to.

import { serialization, tensor, tidy, zeros } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { offsetOf } from '../../training/model-layout.ts';
import { productOf } from './chain-layer.ts';
import type { LayerSource } from './layer-source.ts';
import { UnsupportedModelError } from './unsupported-model-error.ts';

/** One tensor of the layer's weights, in the order that the layer has them. */
export interface Weight {
  readonly offset: number;
  readonly shape: readonly number[];
}

export interface LayerCopy {
  readonly weights: readonly Weight[];
  readonly use: <T>(flatWeights: Float32Array, act: (layer: layers.Layer) => T) => T;
}

export function layerCopy({ layer, inputShape, offsets }: LayerSource): LayerCopy {
  const known = serialization.SerializationMap.getMap().classNameMap[layer.getClassName()];
  if (known === undefined) {
    throw new UnsupportedModelError(layer, 'a registered class', 'call serialization.registerClass with it');
  }
  const [kind, fromConfig] = known;
  const config = layer.getConfig();
  const weights = layer.weights.map(({ originalName, shape }) => ({
    offset: offsetOf(offsets, originalName),
    shape: shape.map(Number),
  }));
  return {
    weights,
    use: (flatWeights, act) => {
      // A copy of the settings each time: wrappers take theirs apart.
      const copy = fromConfig(kind, quickly(config));
      if (!(copy instanceof layers.Layer)) throw new UnsupportedModelError(layer, 'a layer');
      try {
        tidy(() => {
          // Builds it, as build() alone does not do for recurrent layers.
          copy.apply(zeros([1, ...inputShape]));
          copy.setWeights(weights.map((weight) => valuesOf(weight, flatWeights)));
        });
        return act(copy);
      } finally {
        // Not copy.dispose(), which wants a layer that is part of a model.
        for (const weight of copy.weights) weight.dispose();
      }
    },
  };
}

const valuesOf = ({ offset, shape }: Weight, flatWeights: Float32Array): ReturnType<typeof tensor> =>
  tensor(flatWeights.slice(offset, offset + productOf(shape)), [...shape]);

/** With zeros as initial weights: they are overwritten at once, and some others take long to draw. */
function quickly(config: serialization.ConfigDict): serialization.ConfigDict {
  const none = { className: 'Zeros', config: {} };
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      if (name.endsWith('Initializer')) return [name, none];
      const isNested = typeof value === 'object' && value !== null && !Array.isArray(value);
      return [name, isNested ? quickly(value) : value];
    }),
  );
}
