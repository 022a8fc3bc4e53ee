// A bundle in, what was verified out, or the first thing in it that does not hold: entries and proofs, record, draw,
// statements, and then the rule of the federation run again over the very updates, down to the bytes of the model.

import { sha256 } from '../../shared/digest.ts';
import type { Digest } from '../../shared/ids.ts';
import type { TreeHead } from '../../shared/ledger/checkpoint.ts';
import type { BlobStore } from '../../shared/ports.ts';
import { isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import { decodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { firstNonFinite, normL2 } from '../../shared/vector/vector.ts';
import { ruleFor } from '../aggregation/rule-for.ts';
import type { Aggregate, CohortUpdate } from '../aggregation/rule.ts';
import { type BundledRound, readRound } from './bundled-round.ts';
import { readUpdates } from './bundled-updates.ts';
import { termsOf } from '../config.ts';
import { proveEntries } from './bundle-entries.ts';
import { badBundle, type Bundle, unpackBundle } from './bundle-form.ts';
import type { Held } from './verify-ledger.ts';
import { gateModel, publishModel } from '../model/publish-model.ts';
import { parseLedgerRow } from '../storage/ledger-row.ts';

export interface VerifiedBundle {
  readonly kind: 'verified';
  readonly federation: string;
  readonly round: number;
  readonly state: RoundRecord['state'];
  readonly model: Digest | null;
  readonly updates: number;
  readonly head: TreeHead;
  readonly ledgerKey: string;
  /** Plain sentences. */
  readonly cannotKnow: readonly string[];
}

/** Refuses bad-bundle, and as `proveEntries`. */
export async function verifyBundle(bytes: Uint8Array, held: Held = {}): Promise<VerifiedBundle | Refused> {
  const bundle = await unpackBundle(bytes);
  if (isRefused(bundle)) return bundle;
  const proven = await proveEntries(bundle.text, { ...held, parse: parseLedgerRow });
  if (isRefused(proven)) return proven;
  const round = await readRound(bundle.text, proven);
  if (isRefused(round)) return round;
  const read = await readUpdates(round, bundle);
  if (isRefused(read)) return read;
  const complaint = await modelComplaint(round, read.updates, bundle.blobs);
  if (complaint) return complaint;
  const { federation, ledgerKey, head } = proven;
  const { number, state, model, updates } = round.record;
  const verified = { federation, round: number, state, model, updates: updates.length, ledgerKey };
  const { size, root } = head;
  return { kind: 'verified', ...verified, head: { size, root }, cannotKnow: cannotKnow(round, held) };
}

async function modelComplaint(
  { config, record, proven }: BundledRound,
  updates: readonly CohortUpdate[],
  blobs: Bundle['blobs'],
): Promise<Refused | undefined> {
  const chosen = ruleFor({ ...config.rule, cohort: config.cohort });
  if (isRefused(chosen))
    return badBundle('the configuration has no rule', 'one that carries f', chosen.refusal.message);
  const { name, variant } = chosen.rule;
  if (name !== record.rule.name || variant !== record.rule.variant)
    return badBundle('the record is of another rule', `${name} (${variant})`, JSON.stringify(record.rule));
  const schema = termsOf(config).tensors;
  const base = decodeSafetensors(blobs.get(record.baseModel) ?? new Uint8Array(), schema);
  if (isRefused(base)) return badBundle('the base model is none', 'the tensors of the configuration', 'others');
  if (firstNonFinite(base.values) >= 0) return badBundle('the base model is not finite', 'finite values', 'others');
  const aggregate = chosen.rule.aggregate(updates, record.f);
  const candidate = isRefused(aggregate) ? aggregate : gateModel(base.values, aggregate.values);
  if (isRefused(candidate)) return abandonComplaint(candidate.refusal.code, record);
  if (isRefused(aggregate)) return aggregate;
  const lineage = { federation: proven.federation, schema, round: record.number, parent: record.baseModel };
  const { digest } = await publishModel(candidate.values, lineage, digestsOnly);
  if (digest !== record.model) return badBundle('the rule makes another model', digest, `${record.model}`);
  return figuresComplaint(aggregate, record);
}

function abandonComplaint(code: string, record: RoundRecord): Refused | undefined {
  if (record.state === 'abandoned' && record.code === code) return undefined;
  return badBundle('the round had to be abandoned', code, `${record.state} ${record.code ?? ''}`);
}

function figuresComplaint(
  { values, selected, scores, m, neighbours }: Aggregate,
  record: RoundRecord,
): Refused | undefined {
  const ofVerdicts = record.verdicts.map(({ client, verdict, score }) => [client, verdict === 'selected', score]);
  const recomputed = record.verdicts.map(({ client }) => [
    client,
    selected.includes(client),
    scores.get(client) ?? null,
  ]);
  const expected = JSON.stringify({ m, neighbours, step: normL2(values), verdicts: recomputed });
  const { rule, stepNormL2: step } = record;
  const found = JSON.stringify({ m: rule.m, neighbours: rule.neighbours, step, verdicts: ofVerdicts });
  return expected === found ? undefined : badBundle('the rule comes to other figures', expected, found);
}

/** Keeps nothing: only what the bytes would be called is asked. */
const digestsOnly: BlobStore = {
  put: (bytes) => sha256(new Uint8Array(bytes)),
  get: () => Promise.resolve(undefined),
  has: () => Promise.resolve(false),
  delete: () => Promise.resolve(),
};

function cannotKnow({ amendedSince }: BundledRound, { checkpoint, ledgerKey }: Held): readonly string[] {
  return [
    'Whether everyone who could have been eligible is on the list that the cohort was drawn from.',
    'Whether the eligible were active, not pending, banned or revoked, when the cohort was drawn: it is the record’s word.',
    'Whether the figures against the cohort, the flags, suspicions, epsilons and reasons for leaving somebody out are right: they are the record’s word.',
    'Whether clients trained as agreed: their signatures say only what they sent.',
    ...(amendedSince
      ? ['Whether the configuration stated the same rule when the round was offered: it has been amended since.']
      : []),
    ...(checkpoint === undefined
      ? ['Whether others are shown the same ledger: compare its checkpoint with one kept elsewhere (--checkpoint).']
      : []),
    ...(ledgerKey === undefined
      ? [
          'Whether this is the key of the federation you mean: it is the bundle’s own word (an invite states it: --key).',
        ]
      : []),
  ];
}
