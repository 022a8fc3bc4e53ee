// A federation file (YAML) -> a frozen FederationConfig with every default filled in, or a refusal that names the key.
// The configuration is fixed when the federation is founded (fixed-part.ts): it is what all clients agreed to. The total
// of rounds and the budget may be amended later, under the noise that was calibrated first.

import { readFile } from 'node:fs/promises';
import { closest } from 'fastest-levenshtein';
import { parse } from 'yaml';
import { z } from 'zod';
import { calibrateNoiseMultiplier } from '../shared/accounting/calibrate.ts';
import { canonicalJson } from '../shared/canonical-json.ts';
import { InvariantError } from '../shared/invariant-error.ts';
import { federationIdSchema } from '../shared/protocol/envelope.ts';
import { type Refused, refuse } from '../shared/protocol/refusals.ts';
import {
  type FederationTerms,
  privacyTermsSchema,
  tensorSpecSchema,
  trainingTermsSchema,
} from '../shared/protocol/terms.ts';
import { canonicalOrder } from '../shared/update-format/tensor-schema.ts';
import { budgetComplaint } from './privacy/planned-budget.ts';
import { MAX_ABSOLUTE } from './update/anomaly/anomaly-bounds.ts';

const count = z.number().int().positive();
/** What setTimeout takes: anything longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const initialTensorSchema = tensorSpecSchema.extend({ initial: z.enum(['zeros', 'glorot-uniform']).default('zeros') });

const modelSchema = z.strictObject({
  tensors: z
    .array(initialTensorSchema)
    .min(1)
    .max(10_000)
    .refine((tensors) => new Set(tensors.map(({ name }) => name)).size === tensors.length, 'tensors of distinct names'),
  /** Seed of the initial weights. */
  seed: z.number().int().nonnegative().default(1),
});

const cohortSchema = z.strictObject({
  /** Clients without which no round starts. */
  minimum: count.default(7),
  /** Clients offered a round at most. */
  size: count.max(10_000).default(20),
  /** How long to wait for more clients once the minimum is there. */
  selectionTimeoutMs: count.max(LONGEST_TIMER_MS).default(3_000),
  /** Staged updates without which a round is abandoned; what the rule needs for f, where that is more. */
  quorum: count.optional(),
  /** How long after the offer a round closes with the updates it has. */
  deadlineMs: count.max(LONGEST_TIMER_MS).default(60_000),
});

const ruleConfigSchema = z.strictObject({
  name: z.string().default('multi-krum'),
  /** Liars tolerated: a whole number, or below 1 a share of the clients offered the round, rounded up. */
  f: z.number().nonnegative().default(0.2),
  /** How many updates multi-Krum averages; n - f - 2 unless given. */
  m: count.optional(),
});

const boundsSchema = z.strictObject({
  maxAbsoluteValue: z.number().positive().default(MAX_ABSOLUTE),
  /** Null: the bound that follows from the terms (update/anomaly/norm-bound.ts). */
  maxNormL2: z.number().positive().nullable().default(null),
});

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

const fileSchema = z.strictObject({
  federation: federationIdSchema,
  rounds: count.max(100_000),
  model: modelSchema,
  cohort: cohortSchema.prefault({}),
  rule: ruleConfigSchema.prefault({}),
  bounds: boundsSchema.prefault({}),
  training: trainingTermsSchema,
  privacy: z.discriminatedUnion('mode', [localPrivacySchema, z.strictObject({ mode: z.literal('none') })]),
});

/** As stored: nothing left to default or to calibrate. */
export const federationConfigSchema = fileSchema.extend({ privacy: privacyTermsSchema });
export type FederationConfig = Readonly<z.output<typeof federationConfigSchema>>;

/** `founded`: as for `parseFederation`. */
export async function readFederationFile(
  path: string,
  founded?: FederationConfig,
): Promise<FederationConfig | Refused> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const hint = 'write one with: muster init';
    const message = 'the federation file cannot be read';
    return refuse('bad-config', { message, expected: `a federation file at ${path}`, found: String(cause), hint });
  }
  try {
    return parseFederation(parse(text), founded);
  } catch (cause) {
    const message = 'the federation file is not YAML';
    return refuse('bad-config', { message, expected: `YAML in ${path}`, found: String(cause) });
  }
}

/**
 * `input`: what a federation file holds, already parsed; `founded`: what the folder was founded with. Where the file
 * gives no noise the founded federation's stays, and is refused when the planned rounds do not fit the budget with it.
 */
export function parseFederation(input: unknown, founded?: FederationConfig): FederationConfig | Refused {
  const file = fileSchema.safeParse(input);
  if (!file.success) return configRefusal(file.error);
  const { privacy, ...rest } = file.data;
  if (privacy.mode === 'none') return { ...rest, privacy };
  const kept = privacy.noiseMultiplier === undefined ? foundedNoise(rest.federation, founded) : undefined;
  const noiseMultiplier = privacy.noiseMultiplier ?? kept ?? calibrated(rest, privacy);
  if (typeof noiseMultiplier !== 'number') return noiseMultiplier;
  const config = { ...rest, privacy: { ...privacy, noiseMultiplier } };
  const complaint = kept === undefined ? undefined : budgetComplaint(config, (epsilon) => `epsilonBudget: ${epsilon}`);
  return complaint ?? config;
}

function foundedNoise(federation: string, founded: FederationConfig | undefined): number | undefined {
  if (founded?.federation !== federation || founded.privacy.mode === 'none') return undefined;
  return founded.privacy.noiseMultiplier;
}

function calibrated(
  { rounds, training }: Pick<FederationConfig, 'rounds' | 'training'>,
  { epsilonBudget: epsilon, delta }: z.output<typeof localPrivacySchema>,
): number | Refused {
  const { samplingRate, stepsPerRound } = training;
  try {
    return calibrateNoiseMultiplier({ samplingRate, steps: rounds * stepsPerRound, epsilon, delta });
  } catch (fault) {
    // The schema has checked every figure: what is left is a budget that no noise meets.
    if (!(fault instanceof InvariantError)) throw fault;
    return refuse('bad-config', { message: 'the privacy budget does not fit', expected: fault.message });
  }
}

/** The configuration as a folder holds it. @throws ZodError when it is none, which a founded federation's always is. */
export function readConfigText(text: string): FederationConfig {
  return federationConfigSchema.parse(JSON.parse(text));
}

/** The part of the configuration that clients are told. */
export function termsOf(config: FederationConfig): FederationTerms {
  const { federation, training, privacy, rounds } = config;
  return { federation, training, privacy, rounds, tensors: canonicalOrder(config.model.tensors) };
}

export const configText = (config: FederationConfig): string => canonicalJson(z.json().parse(config));

function configRefusal(error: z.ZodError): Refused {
  // A misspelt key is missing under its right name too: what was misspelt says more.
  const issue = error.issues.find(({ code }) => code === 'unrecognized_keys') ?? error.issues[0];
  const at = issue?.path.length ? issue.path.join('.') : 'the top of the file';
  if (issue?.code !== 'unrecognized_keys') {
    return refuse('bad-config', {
      message: `the federation file does not fit at ${at}`,
      expected: issue?.message ?? '',
    });
  }
  const unknown = issue.keys[0] ?? '';
  return refuse('bad-config', {
    message: `unknown key "${unknown}" at ${at}`,
    found: unknown,
    hint: `did you mean "${closest(unknown, knownKeys)}"?`,
  });
}

const knownKeys: readonly string[] = [
  fileSchema,
  modelSchema,
  cohortSchema,
  ruleConfigSchema,
  boundsSchema,
  localPrivacySchema,
  trainingTermsSchema,
  initialTensorSchema,
].flatMap((schema) => Object.keys(schema.shape));
