// FedAvgM (Hsu, Qi and Brown 2019, arXiv 1909.06335, section 4.1): v = beta v + aggregate, step = learning rate x v, with v
// 0 before the first round. No dampening: under a steady aggregate v grows to 1 / (1 - beta) times it.

import { z } from 'zod';
import { declare } from '../../shared/declare.ts';
import { decaySchema, learningRateSchema } from './option-schemas.ts';
import type { OptimiserStep, ServerOptimiser } from './optimiser.ts';

export const momentumOptions = z.strictObject({
  beta: decaySchema.default(0.9),
  learningRate: learningRateSchema.default(1),
});
type MomentumOptions = z.output<typeof momentumOptions>;

const momentum = ({ beta, learningRate }: MomentumOptions): ServerOptimiser => ({
  name: 'momentum',
  variant: `FedAvgM, beta = ${beta}, learningRate = ${learningRate}`,
  remembers: ['momentum'],
  initialState: (d) => [new Float32Array(d)],
  step: (aggregate, [velocity]) => stepWith({ beta, learningRate }, aggregate, velocity),
});

function stepWith(
  { beta, learningRate }: MomentumOptions,
  aggregate: Float32Array,
  velocity: Float32Array | undefined,
): OptimiserStep {
  const [step, next] = [new Float32Array(aggregate.length), new Float32Array(aggregate.length)];
  for (let i = 0; i < aggregate.length; i++) {
    const value = beta * (velocity?.[i] ?? NaN) + (aggregate[i] ?? NaN);
    next[i] = value;
    step[i] = learningRate * value;
  }
  return { step, state: [next] };
}

export const momentumDeclared = declare({ name: 'momentum', options: momentumOptions, make: momentum });
