// A federation file (YAML) -> a frozen FederationConfig with every default filled in, or a refusal that names the key.
// The configuration is fixed when the federation is founded (fixed-part.ts): it is what all clients agreed to. The total
// of rounds and the budget may be amended later, under the noise that was calibrated first.

import { readFile } from 'node:fs/promises';
import { closest } from 'fastest-levenshtein';
import { parse } from 'yaml';
import { z } from 'zod';
import { canonicalJson } from '../shared/canonical-json.ts';
import { MAX_DELAY_MS } from '../shared/ports.ts';
import { federationIdSchema } from '../shared/protocol/envelope.ts';
import { isRefused, type Refused, refuse } from '../shared/protocol/refusals.ts';
import {
  type FederationTerms,
  MAX_ROUNDS,
  privacyTermsSchema,
  tensorSpecSchema,
  trainingTermsSchema,
} from '../shared/protocol/terms.ts';
import { canonicalOrder } from '../shared/update-format/tensor-schema.ts';
import { optimiserChoiceSchema, optimiserOptionSchemas } from './optimiser/optimisers.ts';
import { privacyConfigSchema, privacyPartSchemas, withNoise } from './privacy-config.ts';
import { budgetComplaint } from './privacy/planned-budget.ts';
import { HISTORY_TEST } from './update/anomaly/client-history.ts';
import { MAX_ABSOLUTE } from './update/anomaly/anomaly-bounds.ts';

const count = z.number().int().positive();

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
  selectionTimeoutMs: count.max(MAX_DELAY_MS).default(3_000),
  /** Staged updates without which a round is abandoned; what the rule needs for f, where that is more. */
  quorum: count.optional(),
  /** How long after the offer a round closes with the updates it has. */
  deadlineMs: count.max(MAX_DELAY_MS).default(60_000),
  /** Clients of one organisation in one cohort at most; null: no cap. */
  maxPerOrganisation: count.nullable().default(null),
  /** Share of the cohort that may fail to report without the round being abandoned for it. */
  dropOutShare: z.number().nonnegative().lt(1).default(0),
});

const admissionSchema = z.strictObject({
  /** True: whoever enrols waits for an admin's approval. */
  approval: z.boolean().default(false),
  /** What becomes of a client whose name could be taken for another's: it waits for approval, or is turned away. */
  lookAlikeNames: z.enum(['hold', 'refuse']).default('hold'),
});

const adminRuleSchema = z.strictObject({
  name: z.string(),
  /** An expression such as `normZ > 6 or cosineToMedian < -0.2`. */
  when: z.string(),
  action: z.enum(['flag', 'quarantine']).default('flag'),
});

const historyTestSchema = z.strictObject({
  alarmRateHonest: z.number().default(HISTORY_TEST.alarmRateHonest),
  alarmRateLiar: z.number().default(HISTORY_TEST.alarmRateLiar),
  falseBanRate: z.number().default(HISTORY_TEST.falseBanRate),
});

const anomalySchema = z.strictObject({
  /** The admin's own rules over the figures of an update (update/anomaly/admin-rules.ts). */
  rules: z.array(adminRuleSchema).max(50).default([]),
  /** The test of a client against its own history (update/anomaly/client-history.ts). */
  history: historyTestSchema.prefault({}),
  /** True: a client that its own history speaks against is banned, not only flagged. */
  banSuspects: z.boolean().default(false),
});

const retentionSchema = z.strictObject({
  /** For how many rounds after their own the bytes of updates are kept, so that the model can be recomputed. */
  updateRounds: count.default(1),
});

const ruleConfigSchema = z.strictObject({
  name: z.string().default('multi-krum'),
  /** Liars tolerated: a whole number, or below 1 a share of the clients offered the round, rounded up. */
  f: z.number().nonnegative().optional(),
  /** In the place of f: so many organisations may collude, and f is the number of their clients in the cohort. */
  dishonestOrganisations: count.optional(),
  /** How many updates multi-Krum averages; n - f - 2 unless given. */
  m: count.optional(),
  /** The rule's own (server/aggregation/README.md). */
  options: z.record(z.string(), z.json()).optional(),
  /** What stands in front of the rule, from the first to the last. */
  pre: z
    .array(z.looseObject({ name: z.string() }).catchall(z.json()))
    .max(8)
    .optional(),
});

/** What is made of the rule's aggregate: a name and its options (server/optimiser). */
const optimiserConfigSchema = optimiserChoiceSchema;

const boundsSchema = z.strictObject({
  maxAbsoluteValue: z.number().positive().default(MAX_ABSOLUTE),
  /** Null: the bound that follows from the terms (update/anomaly/norm-bound.ts). */
  maxNormL2: z.number().positive().nullable().default(null),
});

const fileSchema = z.strictObject({
  federation: federationIdSchema,
  rounds: count.max(MAX_ROUNDS),
  model: modelSchema,
  cohort: cohortSchema.prefault({}),
  rule: ruleConfigSchema.prefault({}),
  optimiser: optimiserConfigSchema.prefault({ name: 'plain' }),
  bounds: boundsSchema.prefault({}),
  admission: admissionSchema.prefault({}),
  anomaly: anomalySchema.prefault({}),
  retention: retentionSchema.prefault({}),
  training: trainingTermsSchema,
  privacy: privacyConfigSchema,
});

/** As stored: nothing left to default or to calibrate. */
export const federationConfigSchema = fileSchema.extend({
  rule: ruleConfigSchema.required({ f: true }),
  privacy: privacyTermsSchema,
});
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
  const { privacy, ...given } = file.data;
  const rest = { ...given, rule: { ...given.rule, f: given.rule.f ?? defaultF(given.rule) } };
  if (privacy.mode === 'none') return { ...rest, privacy };
  if (privacy.mode === 'local' && rest.training.optimiser?.name === 'adam') return noWitnessForAdam;
  const kept = privacy.noiseMultiplier === undefined ? foundedNoise({ ...rest, privacy }, founded) : undefined;
  const chosen = withNoise(privacy, rest, kept);
  if (isRefused(chosen)) return chosen;
  const config = { ...rest, privacy: chosen };
  const complaint = kept === undefined ? undefined : budgetComplaint(config, (epsilon) => `epsilonBudget: ${epsilon}`);
  return complaint ?? config;
}

/** How much noise is left after Adam depends on the gradients: nothing could tell whether it is there. */
const noWitnessForAdam = refuse('bad-config', {
  message: 'the federation file asks for Adam under local privacy, whose noise the coordinator could not recognise',
  expected: 'training.optimiser sgd or momentum under privacy mode local',
  found: 'adam',
  hint: 'take { name: momentum, beta: 0.9 } for the clients, or adam as the optimiser of the coordinator (optimiser.name)',
});

function foundedNoise(
  { federation, privacy: { mode } }: { readonly federation: string; readonly privacy: { readonly mode: string } },
  founded: FederationConfig | undefined,
): number | undefined {
  if (founded?.federation !== federation || founded.privacy.mode === 'none') return undefined;
  return founded.privacy.mode === mode ? founded.privacy.noiseMultiplier : undefined;
}

/** Without colluding organisations, a fifth of the cohort. */
const defaultF = ({ dishonestOrganisations }: { dishonestOrganisations?: number | undefined }): number =>
  dishonestOrganisations === undefined ? 0.2 : 0;

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
  ...optimiserOptionSchemas,
  boundsSchema,
  admissionSchema,
  anomalySchema,
  adminRuleSchema,
  historyTestSchema,
  retentionSchema,
  ...privacyPartSchemas,
  trainingTermsSchema,
  initialTensorSchema,
].flatMap((schema) => Object.keys(schema.shape));
