// Updates are kept until the next round has closed (or as many more as the federation asks for), so that the newest
// round can be computed again by anyone with the folder, and no longer: single updates are what an attacker of the
// coordinator would be after. A client chooses its update's bytes: they may be those of a model, or of its own update of
// a later round, and such a blob stays.

import type { BlobStore } from '../../../shared/ports.ts';
import type { ModelStore } from '../../model/model-store.ts';
import type { UpdateStore } from './update-store.ts';

export interface KeptBytes {
  readonly updates: UpdateStore;
  readonly models: ModelStore;
  readonly blobs: BlobStore;
}

export interface Retention {
  /** The last round that has ended. */
  readonly last: number;
  /** How many rounds are kept, the last one included. */
  readonly updateRounds: number;
}

/** Drops the bytes of the newest round that is not kept, save what is a model's or belongs to a later round too. */
export async function dropUpdatesBeyond(
  { last, updateRounds }: Retention,
  { updates, models, blobs }: KeptBytes,
): Promise<void> {
  const dropped = last - updateRounds;
  const later = Array.from({ length: updateRounds + 1 }, (_, i) => updates.ofRound(dropped + 1 + i));
  const stays = new Set(
    [...(await Promise.all(later)).flat(), ...(await models.versions())].map(({ digest }) => digest),
  );
  // Whatever their state: a crash between the bytes and the row leaves those of an update that is not staged.
  const goes = (await updates.ofRound(dropped)).filter(({ digest }) => !stays.has(digest));
  await Promise.all(goes.map(({ digest }) => blobs.delete(digest)));
}
