// A bundle in, what was verified out, or the first thing in it that does not hold: entries and proofs, record, draw,
// statements, and then the rule and the optimiser of the federation run again over the very updates, down to the bytes of
// the model.

import type { Digest } from '../../shared/ids.ts';
import type { TreeHead } from '../../shared/ledger/checkpoint.ts';
import { isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import { openKernel } from '../aggregation/kernels/open-kernel.ts';
import { type BundledRound, readRound } from './bundled-round.ts';
import { type BundledUpdate, readUpdates } from './bundled-updates.ts';
import { proveEntries } from './bundle-entries.ts';
import { type Bundle, unpackBundle } from './bundle-form.ts';
import { releaseComplaint } from './recompute-release.ts';
import { recomputeComplaint } from './recompute-round.ts';
import type { Held } from './verify-ledger.ts';
import { parseLedgerRow } from '../storage/ledger-row.ts';

export interface VerifiedBundle {
  readonly kind: 'verified';
  readonly federation: string;
  readonly round: number;
  readonly state: RoundRecord['state'];
  readonly model: Digest | null;
  /** That reached the rule. */
  readonly updates: number;
  /** What the model was computed again from. */
  readonly recomputedFrom: 'updates' | 'released-aggregate' | 'released-aggregate-and-un-noised-sum';
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
  const recomputedFrom = recomputedFromWhat(round, read.updates);
  const verified = { federation, round: number, state, model, updates: updates.length, recomputedFrom, ledgerKey };
  const { size, root } = head;
  const unknown = [...beyondTheNoise(round, recomputedFrom), ...cannotKnow(round, held)];
  return { kind: 'verified', ...verified, head: { size, root }, cannotKnow: unknown };
}

function recomputedFromWhat({ config }: BundledRound, updates: unknown): VerifiedBundle['recomputedFrom'] {
  if (config.privacy.mode !== 'central') return 'updates';
  return updates === null ? 'released-aggregate' : 'released-aggregate-and-un-noised-sum';
}

/** What central privacy keeps from whoever verifies. */
function beyondTheNoise(
  { config: { privacy }, record }: BundledRound,
  from: VerifiedBundle['recomputedFrom'],
): readonly string[] {
  if (privacy.mode !== 'central') return [];
  const { state, code } = record;
  const sum =
    from === 'released-aggregate'
      ? 'Whether the released aggregate is that of the updates: they are not in the bundle, for their sum beside it would undo the noise.'
      : 'Which noise was drawn, and how: it is kept nowhere. What the aggregate holds beside the un-noised sum of these updates has the size declared.';
  return [
    ...(state === 'committed' ? [sum] : []),
    ...(state === 'abandoned' && code !== 'cohort-too-small'
      ? [`Whether the round had to be abandoned (${code ?? ''}): what it came to was not released.`]
      : []),
    ...(privacy.adaptiveClipping === null
      ? []
      : ['Whether the clipping norm is the one that the round before left: it is the record’s word.']),
  ];
}

async function modelComplaint(
  round: BundledRound,
  updates: readonly BundledUpdate[] | null,
  blobs: Bundle['blobs'],
): Promise<Refused | undefined> {
  const kernel = await openKernel();
  try {
    const recompute = round.config.privacy.mode === 'central' ? releaseComplaint : recomputeComplaint;
    return await recompute(round, { updates, blobs, kernel });
  } finally {
    await kernel.close();
  }
}

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
