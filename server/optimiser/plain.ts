// The aggregate itself, times a learning rate: FedAvg's server step (McMahan et al. 2017, arXiv 1602.05629, algorithm 1)
// at the rate of 1, where the step is the aggregate to the bit.

import { z } from 'zod';
import { declare } from '../../shared/declare.ts';
import { learningRateSchema } from './option-schemas.ts';
import type { ServerOptimiser } from './optimiser.ts';

export const plainOptions = z.strictObject({ learningRate: learningRateSchema.default(1) });

const plain = ({ learningRate }: z.output<typeof plainOptions>): ServerOptimiser => ({
  name: 'plain',
  variant: `FedAvg, learningRate = ${learningRate}`,
  remembers: [],
  initialState: () => [],
  step: (aggregate) => ({ step: aggregate.map((value) => learningRate * value), state: [] }),
});

export const plainDeclared = declare({ name: 'plain', options: plainOptions, make: plain });
