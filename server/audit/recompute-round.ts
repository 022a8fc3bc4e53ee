// The heart of a bundle's verification: the rule of the federation run again over the very updates, then its optimiser,
// down to the bytes of the model and of what the optimiser remembers, and every figure that the record gives of them.

import { noiseStdDevPerParameter } from '../../shared/accounting/noise-scale.ts';
import { sha256 } from '../../shared/digest.ts';
import type { Digest } from '../../shared/ids.ts';
import type { BlobStore } from '../../shared/ports.ts';
import { isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import { aggregationSeed } from '../../shared/protocol/round-seed.ts';
import { decodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { parameterCount } from '../../shared/update-format/tensor-schema.ts';
import { firstNonFinite } from '../../shared/vector/vector.ts';
import { explain } from '../aggregation/explain/explain.ts';
import type { Kernel } from '../aggregation/kernels/kernel.ts';
import type { AggregationRule } from '../aggregation/rule.ts';
import { ruleFor } from '../aggregation/rule-for.ts';
import { termsOf } from '../config.ts';
import { gateModel, publishModel, requireFinite } from '../model/publish-model.ts';
import { type LastStep, stepBetween } from '../model/step-to.ts';
import type { ServerOptimiser } from '../optimiser/optimiser.ts';
import { decodeState, keepState } from '../optimiser/optimiser-state.ts';
import { optimiserFor } from '../optimiser/optimisers.ts';
import { stepFrom, type TakenStep } from '../optimiser/take-step.ts';
import type { AggregatedCohort } from '../round/aggregation-facts.ts';
import { badBundle, type Bundle } from './bundle-form.ts';
import type { BundledRound } from './bundled-round.ts';
import type { BundledUpdate } from './bundled-updates.ts';
import { abandonedFigures, committedFigures, recordedFigures } from './recorded-figures.ts';

export interface BundledInputs {
  /** Those that reached the rule, by client id; null where the bundle was made without them. */
  readonly updates: readonly BundledUpdate[] | null;
  readonly blobs: Bundle['blobs'];
  readonly kernel: Kernel;
}

/** Bad-bundle, or undefined where the record says what came out. */
export async function recomputeComplaint(round: BundledRound, inputs: BundledInputs): Promise<Refused | undefined> {
  const makers = makersOf(round);
  if (isRefused(makers)) return makers;
  const { updates } = inputs;
  if (updates === null) return badBundle('the updates are missing', 'all that reached the rule', 'none');
  const start = startOf(round, makers, inputs.blobs);
  if (isRefused(start)) return start;
  const aggregated = await aggregateAgain(round, makers.rule, { ...inputs, ...start, updates });
  if (isRefused(aggregated)) return abandonComplaint(aggregated.refusal.code, round.record);
  const step = stepFrom(start.state, aggregated.aggregate.values, makers.optimiser);
  if (isRefused(step)) return abandonComplaint(step.refusal.code, round.record);
  const candidate = gateModel(start.base, step.values);
  if (isRefused(candidate)) return abandonComplaint(candidate.refusal.code, round.record);
  return (
    (await blobsComplaint({ model: candidate.values, step }, round, makers.optimiser)) ??
    figuresComplaint(committedFigures({ ...aggregated, step }, round.record), round.record)
  );
}

export interface Makers {
  readonly rule: AggregationRule;
  readonly optimiser: ServerOptimiser;
}

/** As the configuration has them: the record names the very same. */
export function makersOf({ config, record }: BundledRound): (Makers & { readonly kind: 'makers' }) | Refused {
  const chosen = ruleFor({ ...config.rule, cohort: config.cohort });
  if (isRefused(chosen))
    return badBundle('the configuration has no rule', 'one that carries f', chosen.refusal.message);
  const made = optimiserFor(config.optimiser);
  if (isRefused(made)) return badBundle('the configuration has no optimiser', 'one', made.refusal.message);
  const { rule } = chosen;
  const named = [variantOf(record.rule), record.rule.pre.map(variantOf), variantOf(record.optimiser)];
  const expected = JSON.stringify([variantOf(rule), (rule.pre ?? []).map(variantOf), variantOf(made.made)]);
  if (JSON.stringify(named) === expected) return { kind: 'makers', rule, optimiser: made.made };
  return badBundle('the record is of another rule or optimiser', expected, JSON.stringify(named));
}

const variantOf = ({ name, variant }: { readonly name: string; readonly variant: string }): readonly string[] => [
  name,
  variant,
];

interface Start {
  readonly base: Float32Array;
  /** What the optimiser remembers. */
  readonly state: readonly Float32Array[];
  /** The step that the rule begins from; null where it begins from nothing. */
  readonly reference: LastStep | null;
}

export function startOf(
  { config, record, parent }: BundledRound,
  { rule, optimiser }: Makers,
  blobs: Bundle['blobs'],
): (Start & { readonly kind: 'start' }) | Refused {
  const schema = termsOf(config).tensors;
  const bytesOf = (digest: Digest | null): Uint8Array => (digest && blobs.get(digest)) ?? new Uint8Array();
  const base = decodeSafetensors(bytesOf(record.baseModel), schema);
  if (isRefused(base)) return badBundle('the base model is none', 'the tensors of the configuration', 'others');
  if (firstNonFinite(base.values) >= 0) return badBundle('the base model is not finite', 'finite values', 'others');
  const { stateBefore } = record.optimiser;
  const state =
    stateBefore === null
      ? { vectors: optimiser.initialState(parameterCount(schema)) }
      : decodeState(bytesOf(stateBefore), { optimiser, schema });
  if (isRefused(state)) return badBundle('the optimiser’s state is none', `that of ${optimiser.name}`, 'others');
  const start = { kind: 'start', base: base.values, state: state.vectors } as const;
  const from = rule.assumes.reference === 'last-aggregate' ? parent : null;
  if (from === null) return { ...start, reference: null };
  const before = decodeSafetensors(bytesOf(from), schema);
  if (isRefused(before)) return badBundle('the parent of the base model is none', 'its tensors', 'others');
  return { ...start, reference: { from, values: stepBetween(before.values, base.values) } };
}

type Aggregated = AggregatedCohort & { readonly kind: 'aggregated' };

async function aggregateAgain(
  { record, config }: BundledRound,
  rule: AggregationRule,
  { updates, kernel, reference }: BundledInputs & Start & { readonly updates: readonly BundledUpdate[] },
): Promise<Aggregated | Refused> {
  const { f } = record;
  const rows = updates.map(({ values }) => values);
  const cohort = kernel.cohort(rows, parameterCount(termsOf(config).tensors));
  const seed = await aggregationSeed(
    record.seed,
    record.updates.map(({ update }) => update),
  );
  const aggregate = await rule.aggregate({ cohort, f, seed, reference: reference?.values ?? null });
  if (isRefused(aggregate)) return aggregate;
  const overflown = requireFinite(aggregate.values);
  if (overflown) return overflown;
  const noiseStdDev = noiseStdDevPerParameter(config.training, config.privacy);
  const explanation = await explain({ cohort, rule, aggregate, f, noiseStdDev });
  return { kind: 'aggregated', aggregate, explanation, reference: reference?.from ?? null };
}

interface Made {
  readonly model: Float32Array;
  readonly step: TakenStep;
}

export async function blobsComplaint(
  { model, step }: Made,
  { config, record, proven }: BundledRound,
  optimiser: ServerOptimiser,
): Promise<Refused | undefined> {
  const { federation } = proven;
  const { number: round, baseModel: parent } = record;
  const schema = termsOf(config).tensors;
  const optimiserState = await keepState(step.state, { federation, round }, { optimiser, schema, blobs: digestsOnly });
  const lineage = { federation, schema, round, parent, optimiserState };
  const { digest } = await publishModel(model, lineage, digestsOnly);
  if (digest !== record.model) return badBundle('the rule makes another model', digest, `${record.model}`);
  const { stateAfter } = record.optimiser;
  if (optimiserState === stateAfter) return undefined;
  return badBundle('the optimiser remembers something else', `${optimiserState}`, `${stateAfter}`);
}

function abandonComplaint(code: string, record: RoundRecord): Refused | undefined {
  if (record.state === 'abandoned' && record.code === code) return figuresComplaint(abandonedFigures(record), record);
  return badBundle('the round had to be abandoned', code, `${record.state} ${record.code ?? ''}`);
}

export function figuresComplaint(expected: string, record: RoundRecord): Refused | undefined {
  const found = recordedFigures(record);
  return expected === found ? undefined : badBundle('the rule comes to other figures', expected, found);
}

/** Keeps nothing: only what the bytes would be called is asked. */
export const digestsOnly: BlobStore = {
  put: (bytes) => sha256(new Uint8Array(bytes)),
  get: () => Promise.resolve(undefined),
  has: () => Promise.resolve(false),
  delete: () => Promise.resolve(),
};
