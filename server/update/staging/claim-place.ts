// One place a client and round: the first validly signed statement takes it, and privacy is charged with it, since the
// client's first byte has left. The same statement again is welcome at any time; any other is equivocation, also one
// about the same update, since the ledger keeps the first alone.

import type { SampledGaussianEvent } from '../../../shared/accounting/privacy-event.ts';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import type { Digest, FederationId } from '../../../shared/ids.ts';
import type { AnnouncedUpdate, StagedUpdate } from '../stages.ts';
import { stagedFrom } from './staged-from.ts';
import type { UpdateStore } from './update-store.ts';

export interface Place {
  readonly federation: FederationId;
  readonly updates: UpdateStore;
  /** What one update costs; null without declared privacy. */
  readonly charge: SampledGaussianEvent | null;
}

/** Staged, with the receipt it already has, when this very update is known. */
export async function claimPlace(
  announced: AnnouncedUpdate,
  place: Place,
): Promise<AnnouncedUpdate | StagedUpdate | Refused> {
  const { envelope, client, signature } = announced;
  const { round, updateDigest: digest } = envelope;
  const taken = await place.updates.find({ round, client: client.id });
  if (!taken) {
    const event = { type: 'update-announced', round, client: client.id, envelope, signature } as const;
    await place.updates.announce({ round, client: client.id, digest, envelope, signature }, place.charge, event);
    return announced;
  }
  if (canonicalJson(taken.envelope) !== canonicalJson(envelope)) return equivocation(taken.digest, digest);
  return stagedFrom(taken, place.federation) ?? announced;
}

function equivocation(expected: Digest, found: Digest): Refused {
  if (expected !== found) return refuse('equivocation', { expected, found });
  return refuse('equivocation', { expected: 'the statement signed first', found: 'another about the same update' });
}
