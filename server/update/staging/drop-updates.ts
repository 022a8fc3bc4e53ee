// Updates are kept until the next round has closed, so that the newest round can be computed again by anyone with the
// folder, and no longer: single updates are what an attacker of the coordinator would be after. A client chooses its
// update's bytes: they may be those of a model, or of its own update of a later round, and such a blob stays.

import type { BlobStore } from '../../../shared/ports.ts';
import type { ModelStore } from '../../model/model-store.ts';
import type { UpdateStore } from './update-store.ts';

export interface KeptBytes {
  readonly updates: UpdateStore;
  readonly models: ModelStore;
  readonly blobs: BlobStore;
}

/** Drops the bytes of round `kept` - 1, save what is a model's or belongs to round `kept` or the one under way too. */
export async function dropUpdatesBefore(kept: number, { updates, models, blobs }: KeptBytes): Promise<void> {
  const later = [...(await updates.ofRound(kept)), ...(await updates.ofRound(kept + 1))];
  const stays = new Set([...later, ...(await models.versions())].map(({ digest }) => digest));
  // Whatever their state: a crash between the bytes and the row leaves those of an update that is not staged.
  const goes = (await updates.ofRound(kept - 1)).filter(({ digest }) => !stays.has(digest));
  await Promise.all(goes.map(({ digest }) => blobs.delete(digest)));
}
