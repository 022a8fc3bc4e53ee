// What a demo run is: fixed when its folder is made, kept in demo.json, the same after every restart. Only the total of
// rounds and the privacy budget may be raised later; the noise stays as it was calibrated first.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { asFederationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { Refused } from '../../shared/protocol/refusals.ts';
import { type FederationConfig, parseFederation } from '../../server/config.ts';
import { attackNames } from '../attacks.ts';
import { HELD_OUT_COUNT } from '../digits.ts';
import { softmaxRegressionSchema } from '../softmax-regression.ts';

export const demoSettingsSchema = z.strictObject({
  clients: z.number().int().positive(),
  byzantine: z.number().int().nonnegative(),
  /** Liars that the rule tolerates. */
  f: z.number().int().nonnegative(),
  attack: z.enum(attackNames),
  rule: z.string(),
  /** Total of the folder. */
  rounds: z.number().int().positive(),
  /** Budget of every client over all rounds. */
  epsilon: z.number().positive(),
  seed: z.number().int().nonnegative(),
  reproducible: z.boolean(),
  /** Calibrated once; null before. */
  noiseMultiplier: z.number().positive().nullable(),
});
export type DemoSettings = z.infer<typeof demoSettingsSchema>;

export const DEMO_FEDERATION = asFederationId('digits');
export const DEMO_DELTA = 1e-4;
const DIGITS = 10_000;
const SAMPLING_RATE = 0.1;
const DEADLINE_MS = 60_000;

/** Every client of the demo is there from the start, so that each round is offered to all of them. */
export function demoFederation(settings: DemoSettings): FederationConfig | Refused {
  const { clients, rule, f, rounds, epsilon, seed, reproducible, noiseMultiplier } = settings;
  const examplesPerClient = Math.floor((DIGITS - HELD_OUT_COUNT) / clients);
  return parseFederation({
    federation: DEMO_FEDERATION,
    rounds,
    model: {
      seed,
      tensors: softmaxRegressionSchema.map((tensor) => ({ ...tensor, initial: initialOf(tensor.shape) })),
    },
    cohort: { minimum: clients, size: clients, deadlineMs: DEADLINE_MS },
    rule: { name: rule, f },
    training: {
      learningRate: 2,
      stepsPerRound: 10,
      samplingRate: SAMPLING_RATE,
      expectedBatchSize: SAMPLING_RATE * examplesPerClient,
      clippingNormL2: 1,
    },
    privacy: {
      mode: 'local',
      epsilonBudget: epsilon,
      delta: DEMO_DELTA,
      void: reproducible,
      ...(noiseMultiplier === null ? {} : { noiseMultiplier }),
    },
  });
}

/** @throws InvariantError for a federation that declares no privacy, which a demo's always does. */
export function noiseMultiplierOf({ privacy }: FederationConfig): number {
  if (privacy.mode !== 'local') throw new InvariantError('the demo declares local privacy');
  return privacy.noiseMultiplier;
}

/** Undefined where the folder holds no demo. @throws ZodError when demo.json was written by something else. */
export async function readDemoSettings(dir: string): Promise<DemoSettings | undefined> {
  try {
    return demoSettingsSchema.parse(JSON.parse(await readFile(settingsFile(dir), 'utf8')));
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && fault.code === 'ENOENT') return undefined;
    throw fault;
  }
}

export const settingsFile = (dir: string): string => join(dir, 'demo.json');

const initialOf = (shape: readonly number[]): 'zeros' | 'glorot-uniform' =>
  shape.length > 1 ? 'glorot-uniform' : 'zeros';
