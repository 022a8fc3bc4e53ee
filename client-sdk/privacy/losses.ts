// The losses a client can train with, each a sum over examples: a mean would divide by the batch that was drawn, which
// is private. A loss that has a link (softmax, sigmoid) takes the values before it, where its gradient is exact. Of each
// only the gradient is here, which is a few operations where TensorFlow.js's way back through the loss would be twenty.

import { mul, sigmoid, softmax, sub, sum, type Tensor2D } from '@tensorflow/tfjs-core';
import type { ActivationName } from './activations.ts';
import type { LayerChain } from './layer-chain.ts';

interface Loss {
  /** The final activation that the loss contains; any other than it or `linear` is a mistake. Null: any will do. */
  readonly link: ActivationName | null;
  /** Labels may be class numbers. */
  readonly classes: boolean;
  /** At the outputs. These and the targets have one row per example; row i is the gradient of example i's own loss. */
  readonly gradients: (outputs: Tensor2D, targets: Tensor2D) => Tensor2D;
}

export const losses = {
  /** -sum_k y_k log softmax(z)_k, with the gradient softmax(z) sum_k y_k - y */
  'softmax-cross-entropy': {
    link: 'softmax',
    classes: true,
    gradients: (logits, targets) => sub(mul(softmax(logits), sum(targets, 1, true)), targets),
  },
  /** Mean over the outputs of -y log s(z) - (1 - y) log(1 - s(z)), with the gradient s(z) - y */
  'sigmoid-cross-entropy': {
    link: 'sigmoid',
    classes: false,
    gradients: (logits, targets) => mul(sub(sigmoid(logits), targets), 1 / logits.shape[1]),
  },
  /** Mean over the outputs of (o - y)^2 */
  'mean-squared-error': {
    link: null,
    classes: false,
    gradients: (outputs, targets) => mul(sub(outputs, targets), 2 / outputs.shape[1]),
  },
} as const satisfies Record<string, Loss>;

export type LossName = keyof typeof losses;

/**
 * The loss to train with and the chain up to where it begins: without the final activation that is its link.
 * Without a name, the loss that belongs to the final activation.
 * @throws Error where the final activation does not go with the loss, or the loss is none of ours.
 */
export function lossOf(
  chain: LayerChain,
  name: LossName = usualLoss(chain),
): { chain: LayerChain; loss: LossName; classes: boolean } {
  if (!Object.hasOwn(losses, name)) {
    throw new Error(
      `expected one of the losses ${Object.keys(losses).join(', ')}, found ${name}; a loss has to be a sum over ` +
        'examples: one that mixes them, as a contrastive loss does, leaves no example a gradient of its own',
    );
  }
  const { link, classes } = losses[name];
  const last = chain.at(-1) ?? chain[0];
  if (link === null || last.activation === null) return { chain, loss: name, classes };
  if (last.activation !== link) {
    throw new Error(
      `expected "${last.name}" to end in ${link} or linear for the loss ${name}, found ${last.activation}`,
    );
  }
  const [first, ...others] = chain.slice(0, -1);
  return { chain: [first ?? last, ...others], loss: name, classes };
}

function usualLoss(chain: LayerChain): LossName {
  const final = chain.at(-1)?.activation;
  if (final === 'softmax') return 'softmax-cross-entropy';
  return final === 'sigmoid' ? 'sigmoid-cross-entropy' : 'mean-squared-error';
}
