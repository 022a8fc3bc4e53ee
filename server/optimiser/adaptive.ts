// What FedAdam and FedYogi share (Reddi et al. 2021, arXiv 2003.00295, algorithm 2): m = beta1 m + (1 - beta1) delta,
// step = learning rate x m / (sqrt(v) + tau), with m 0 and v tau^2 before the first round and no correction of bias. How v
// follows the squares of delta, the aggregate, is what tells them apart. beta1 0.9, beta2 0.99 and tau 1e-3 are the
// paper's; it tunes the learning rate for every task, and 0.01 is what Flower's FedYogi takes.

import { z } from 'zod';
import { decaySchema, learningRateSchema } from './option-schemas.ts';
import type { OptimiserStep, ServerOptimiser } from './optimiser.ts';

export const adaptiveOptions = z.strictObject({
  beta1: decaySchema.default(0.9),
  beta2: decaySchema.default(0.99),
  tau: z.number().positive().default(1e-3),
  learningRate: learningRateSchema.default(0.01),
});
type AdaptiveOptions = z.output<typeof adaptiveOptions>;

export interface AdaptiveForm {
  readonly name: string;
  readonly paper: string;
  /** The next v, from v, delta^2 and beta2; all in float64. */
  secondMoment(moment: number, square: number, beta2: number): number;
}

export const adaptive =
  ({ name, paper, secondMoment }: AdaptiveForm) =>
  (options: AdaptiveOptions): ServerOptimiser => {
    const { beta1, beta2, tau, learningRate } = options;
    return {
      name,
      variant: `${paper}, beta1 = ${beta1}, beta2 = ${beta2}, tau = ${tau}, learningRate = ${learningRate}`,
      remembers: ['first-moment', 'second-moment'],
      initialState: (d) => [new Float32Array(d), new Float32Array(d).fill(tau * tau)],
      step: (aggregate, state) => stepWith({ ...options, secondMoment }, aggregate, state),
    };
  };

function stepWith(
  { beta1, beta2, tau, learningRate, secondMoment }: AdaptiveOptions & Pick<AdaptiveForm, 'secondMoment'>,
  aggregate: Float32Array,
  [first, second]: readonly Float32Array[],
): OptimiserStep {
  const step = new Float32Array(aggregate.length);
  const [nextFirst, nextSecond] = [new Float32Array(aggregate.length), new Float32Array(aggregate.length)];
  for (let i = 0; i < aggregate.length; i++) {
    const delta = aggregate[i] ?? NaN;
    const m = beta1 * (first?.[i] ?? NaN) + (1 - beta1) * delta;
    const v = secondMoment(second?.[i] ?? NaN, delta * delta, beta2);
    nextFirst[i] = m;
    nextSecond[i] = v;
    step[i] = (learningRate * m) / (Math.sqrt(v) + tau);
  }
  return { step, state: [nextFirst, nextSecond] };
}
