// A vetted update becomes durable: the bytes first, then the row, and only then the receipt, so that an acknowledged
// update survives any crash.

import type { ClientId } from '../../../shared/ids.ts';
import type { BlobStore, Clock } from '../../../shared/ports.ts';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import type { StagedUpdate, VettedUpdate } from '../stages.ts';
import { stagedFrom } from './staged-from.ts';
import type { ArrivedUpdates } from './arrived-updates.ts';
import type { UpdateStore } from './update-store.ts';

export interface Staging {
  readonly updates: UpdateStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly arrived: Pick<ArrivedUpdates, 'keep'>;
  /** False as soon as the round has begun to close: an update staged after that would get a receipt and no verdict. */
  isOpen(round: number): boolean;
  /** Keeps the acts of one client from overlapping, and all of them from overlapping the close of the round. */
  inTurn<T>(client: ClientId, act: () => Promise<T>): Promise<T>;
}

export async function stageUpdate(update: VettedUpdate, staging: Staging): Promise<StagedUpdate | Refused> {
  const { round, updateDigest } = update.announced.envelope;
  if (!staging.isOpen(round)) return roundClosed(round);
  // Before the turn: nobody waits for another's bytes. Where the round closes meanwhile, what was written is dropped with
  // the round's other updates, since its row is there from the statement on.
  // Integrity has found the digest to be that of the bytes.
  await staging.blobs.put(update.bytes, updateDigest);
  return await staging.inTurn(update.announced.client.id, () => stageInTurn(update, staging));
}

async function stageInTurn(
  { announced, figures, values }: VettedUpdate,
  { updates, clock, arrived, isOpen }: Staging,
): Promise<StagedUpdate | Refused> {
  const { federation, round, updateDigest } = announced.envelope;
  const client = announced.client.id;
  if (!isOpen(round)) return roundClosed(round);
  // A client that lost its connection sends again while its first sending is still being looked at.
  const row = await updates.find({ round, client });
  const earlier = row && stagedFrom(row, federation);
  if (earlier) return earlier;
  const stagedAt = clock.now();
  const event = { type: 'update-staged', round, client, update: updateDigest, figures } as const;
  await updates.stage({ round, client }, { figures, stagedAt }, event);
  arrived.keep(round, client, values);
  return { kind: 'staged', receipt: { federation, round, client, updateDigest, stagedAt }, figures };
}

const roundClosed = (round: number): Refused => refuse('round-closed', { found: `round ${round}` });
