// The privacy part of a federation file: local (clients add noise), central (the coordinator does, over a fixed public
// denominator) or none; and the noise that its budget takes, calibrated once and then stored. Under central privacy each
// round is one release in which every client counts as taking part (shared/protocol/terms.ts).

import { z } from 'zod';
import { calibrateNoiseMultiplier } from '../shared/accounting/calibrate.ts';
import { InvariantError } from '../shared/invariant-error.ts';
import { type Refused, refuse } from '../shared/protocol/refusals.ts';
import type { CentralPrivacyTerms, FederationTerms, PrivacyTerms } from '../shared/protocol/terms.ts';
import { plannedSteps } from './privacy/planned-budget.ts';

const count = z.number().int().positive();

const localPrivacySchema = z.strictObject({
  mode: z.literal('local'),
  epsilonBudget: z.number().positive(),
  delta: z.number().positive().lt(1),
  /** Calibrated to the budget over all rounds unless given. */
  noiseMultiplier: z.number().positive().optional(),
  adjacency: z.literal('add-remove').default('add-remove'),
  unit: z.literal('example').default('example'),
  void: z.boolean().default(false),
});

const adaptiveClippingConfigSchema = z.strictObject({
  quantile: z.number().positive().lt(1).default(0.5),
  learningRate: z.number().positive().default(0.2),
  /** A twentieth of the planned clients unless given. */
  countNoiseStdDev: z.number().positive().optional(),
});

const NO_AMPLIFICATION =
  '1: a lower rate amplifies only where clients toss independent secret coins; this cohort is drawn by a seed that is ' +
  'published, with a fixed size';

const centralPrivacySchema = z.strictObject({
  mode: z.literal('central'),
  clippingNormL2: z.number().positive(),
  /** The size of a cohort unless given. */
  plannedClients: count.optional(),
  epsilonBudget: z.number().positive(),
  delta: z.number().positive().lt(1),
  /** Calibrated to the budget over all rounds unless given. */
  noiseMultiplier: z.number().positive().optional(),
  samplingRate: z.literal(1, NO_AMPLIFICATION).default(1),
  adjacency: z.literal('add-remove').default('add-remove'),
  unit: z.literal('client').default('client'),
  adaptiveClipping: adaptiveClippingConfigSchema.nullable().default(null),
});

export const privacyConfigSchema = z.discriminatedUnion('mode', [
  localPrivacySchema,
  centralPrivacySchema,
  z.strictObject({ mode: z.literal('none') }),
]);

/** For whoever looks for a key that was misspelt. */
export const privacyPartSchemas = [localPrivacySchema, centralPrivacySchema, adaptiveClippingConfigSchema] as const;

type Declared = z.output<typeof localPrivacySchema | typeof centralPrivacySchema>;

export interface PlannedRounds extends Pick<FederationTerms, 'rounds' | 'training'> {
  readonly cohort: { readonly size: number };
}

/** Every default filled in. `kept`: the noise that the federation was founded with. Refuses a budget that no noise meets. */
export function withNoise(
  privacy: Declared,
  planned: PlannedRounds,
  kept: number | undefined,
): Exclude<PrivacyTerms, { mode: 'none' }> | Refused {
  const noiseMultiplier = privacy.noiseMultiplier ?? kept ?? calibrated(planned, privacy);
  if (typeof noiseMultiplier !== 'number') return noiseMultiplier;
  return privacy.mode === 'local' ? { ...privacy, noiseMultiplier } : central({ ...privacy, noiseMultiplier }, planned);
}

function central(
  privacy: z.output<typeof centralPrivacySchema> & { readonly noiseMultiplier: number },
  { cohort }: PlannedRounds,
): CentralPrivacyTerms {
  const { plannedClients = cohort.size, adaptiveClipping: adaptive } = privacy;
  const countNoiseStdDev = adaptive?.countNoiseStdDev ?? plannedClients / PLANNED_CLIENTS_PER_COUNT_NOISE;
  return { ...privacy, plannedClients, adaptiveClipping: adaptive && { ...adaptive, countNoiseStdDev } };
}

/** Andrew et al., arXiv 1905.03871, section 4: the count's noise of n/20 takes next to nothing from the updates'. */
const PLANNED_CLIENTS_PER_COUNT_NOISE = 20;

function calibrated({ rounds, training }: PlannedRounds, privacy: Declared): number | Refused {
  const { epsilonBudget: epsilon, delta } = privacy;
  try {
    return calibrateNoiseMultiplier({ ...plannedSteps({ rounds, training, privacy }), epsilon, delta });
  } catch (fault) {
    // The schema has checked every figure: what is left is a budget that no noise meets.
    if (!(fault instanceof InvariantError)) throw fault;
    return refuse('bad-config', { message: 'the privacy budget does not fit', expected: fault.message });
  }
}
