// A federation is founded once: its configuration and initial model are written down, and from then on its folder opens
// only with that configuration. What may be amended (the total of rounds and the privacy budget) is written down anew.

import { sha256 } from '../../shared/digest.ts';
import type { FederationId } from '../../shared/ids.ts';
import type { BlobStore, Clock } from '../../shared/ports.ts';
import { type Refusal, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { canonicalOrder } from '../../shared/update-format/tensor-schema.ts';
import { type InitialTensor, initialModel } from './initial-model.ts';
import type { FederationStore, Founding } from './model-store.ts';
import { publishModel } from './publish-model.ts';

export interface FederationPlan {
  readonly federation: FederationId;
  /** Canonical JSON of the whole configuration. */
  readonly configText: string;
  /** Of two configurations' texts: the first thing that no later start may change and that differs. */
  readonly fixedDifference: (before: string, after: string) => Pick<Refusal, 'expected' | 'found'> | undefined;
  readonly tensors: readonly InitialTensor[];
  readonly seed: number;
}

export interface FoundingPlace {
  readonly store: FederationStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Public key under which the ledger's checkpoints are signed. */
  readonly ledgerKey: string;
}

export async function foundFederation(
  plan: FederationPlan,
  place: FoundingPlace,
): Promise<(Founding & { readonly kind: 'founded' }) | Refused> {
  const known = await place.store.founding();
  if (known) return await reopen(known, plan, place.store);
  const { federation, tensors, seed } = plan;
  const schema = canonicalOrder(tensors);
  const lineage = { federation, schema, round: 0, parent: null, optimiserState: null };
  const version = await publishModel(initialModel(tensors, seed), lineage, place.blobs);
  const founding = { config: plan.configText, initialModel: version, foundedAt: place.clock.now() };
  const configDigest = await sha256(plan.configText);
  const { ledgerKey } = place;
  await place.store.found(founding, { type: 'federation-founded', configDigest, model: version.digest, ledgerKey });
  return { kind: 'founded', ...founding };
}

async function reopen(
  known: Founding,
  { configText: config, fixedDifference }: FederationPlan,
  store: FederationStore,
): Promise<(Founding & { readonly kind: 'founded' }) | Refused> {
  const difference = fixedDifference(known.config, config);
  if (difference) return otherConfiguration(difference);
  if (known.config !== config)
    await store.amend(config, { type: 'federation-amended', configDigest: await sha256(config) });
  return { ...known, config, kind: 'founded' };
}

const otherConfiguration = (difference: Pick<Refusal, 'expected' | 'found'>): Refused =>
  refuse('folder-mismatch', {
    ...difference,
    message: 'the federation was founded with another configuration',
    hint: 'leave --config out to go on with it, or choose another --dir',
  });
