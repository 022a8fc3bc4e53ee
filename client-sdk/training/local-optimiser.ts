// What a step of local training makes of its noised gradient: a change of the weights. One optimiser for one round or one
// fit, its memory in it. It sees the gradient after the noise and nothing else, so that it costs no privacy
// (post-processing). How much noise reaches the update: shared/accounting/noise-scale.ts, which repeats the linear two.

import type { LocalOptimiser } from '../../shared/protocol/terms.ts';

/** Noised gradient and learning rate in, what is to be added to the weights out. */
export type OptimiserStep = (gradient: Float64Array, learningRate: number) => Float64Array;

export function localOptimiser(choice: LocalOptimiser, parameters: number): OptimiserStep {
  switch (choice.name) {
    case 'sgd':
      return (gradient, learningRate) => gradient.map((value) => -learningRate * value);
    case 'momentum':
      return momentum(choice, parameters);
    case 'adam':
      return adam(choice, parameters);
    default:
      return choice satisfies never;
  }
}

/** v <- beta v + g, change -learning rate x v; v begins at 0 and is not damped by 1 - beta. */
function momentum({ beta }: Extract<LocalOptimiser, { name: 'momentum' }>, parameters: number): OptimiserStep {
  const velocity = new Float64Array(parameters);
  return (gradient, learningRate) =>
    gradient.map((value, i) => {
      const next = beta * (velocity[i] ?? NaN) + value;
      velocity[i] = next;
      return -learningRate * next;
    });
}

/** Kingma and Ba, arXiv 1412.6980, algorithm 1, with its bias correction. */
function adam({ beta1, beta2, epsilon }: Extract<LocalOptimiser, { name: 'adam' }>, parameters: number): OptimiserStep {
  const [mean, square] = [new Float64Array(parameters), new Float64Array(parameters)];
  let steps = 0;
  return (gradient, learningRate) => {
    steps++;
    const [meanWeight, squareWeight] = [1 - beta1 ** steps, 1 - beta2 ** steps];
    return gradient.map((value, i) => {
      const m = beta1 * (mean[i] ?? NaN) + (1 - beta1) * value;
      const v = beta2 * (square[i] ?? NaN) + (1 - beta2) * value * value;
      mean[i] = m;
      square[i] = v;
      return (-learningRate * (m / meanWeight)) / (Math.sqrt(v / squareWeight) + epsilon);
    });
  };
}
