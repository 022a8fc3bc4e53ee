// A vetted update becomes durable: the bytes first, then the row, and only then the receipt, so that an acknowledged
// update survives any crash.

import type { BlobStore, Clock } from '../../../shared/ports.ts';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import type { StagedUpdate, VettedUpdate } from '../stages.ts';
import { stagedFrom } from './staged-from.ts';
import type { UpdateStore } from './update-store.ts';

export interface Staging {
  readonly updates: UpdateStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** False as soon as the round has begun to close: an update staged after that would get a receipt and no verdict. */
  isOpen(round: number): boolean;
  /** Keeps staging and the close of the round from overlapping. */
  inTurn<T>(act: () => Promise<T>): Promise<T>;
}

export async function stageUpdate(update: VettedUpdate, staging: Staging): Promise<StagedUpdate | Refused> {
  return await staging.inTurn(() => stageInTurn(update, staging));
}

async function stageInTurn(
  { announced, bytes, figures }: VettedUpdate,
  { updates, blobs, clock, isOpen }: Staging,
): Promise<StagedUpdate | Refused> {
  const { federation, round, updateDigest } = announced.envelope;
  const client = announced.client.id;
  if (!isOpen(round)) return refuse('round-closed', { found: `round ${round}` });
  // A client that lost its connection sends again while its first sending is still being looked at.
  const row = await updates.find({ round, client });
  const earlier = row && stagedFrom(row, federation);
  if (earlier) return earlier;
  await blobs.put(bytes);
  const stagedAt = clock.now();
  const event = { type: 'update-staged', round, client, update: updateDigest, figures } as const;
  await updates.stage({ round, client }, { figures, stagedAt }, event);
  return { kind: 'staged', receipt: { federation, round, client, updateDigest, stagedAt }, figures };
}
