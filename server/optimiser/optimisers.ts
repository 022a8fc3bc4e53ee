// The server optimisers by name, as a federation file names them. One is chosen before the first round and stays.

import { z } from 'zod';
import type { Declared } from '../../shared/declare.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { adamDeclared } from './adam.ts';
import { adaptiveOptions } from './adaptive.ts';
import { momentumDeclared, momentumOptions } from './momentum.ts';
import type { ServerOptimiser } from './optimiser.ts';
import { plainDeclared, plainOptions } from './plain.ts';
import { yogiDeclared } from './yogi.ts';

export const optimisers: readonly Declared<ServerOptimiser>[] = [
  plainDeclared,
  momentumDeclared,
  adamDeclared,
  yogiDeclared,
];

const names = optimisers.map(({ name }) => name).join(', ');

/** Name and options side by side, every default filled in. */
export const optimiserChoiceSchema = z.discriminatedUnion(
  'name',
  [
    plainOptions.extend({ name: z.literal('plain') }),
    momentumOptions.extend({ name: z.literal('momentum') }),
    adaptiveOptions.extend({ name: z.literal('adam') }),
    adaptiveOptions.extend({ name: z.literal('yogi') }),
  ],
  { error: `the name of an optimiser: ${names}` },
);

export const optimiserOptionSchemas = [plainOptions, momentumOptions, adaptiveOptions] as const;

export interface ChosenOptimiser {
  readonly kind: 'made';
  readonly made: ServerOptimiser;
}

/** A name and its options side by side, as a federation file has them. */
export interface OptimiserChoice {
  readonly name: string;
  readonly [option: string]: unknown;
}

/** Refuses bad-option. */
export function optimiserFor({ name, ...options }: OptimiserChoice): ChosenOptimiser | Refused {
  const declared = optimisers.find((each) => each.name === name);
  return declared?.make(options) ?? refuse('bad-option', { expected: `an optimiser: ${names}`, found: name });
}
