// Updates are kept until the next round has closed, so that the newest round can be computed again by anyone with the
// folder, and no longer: single updates are what an attacker of the coordinator would be after.

import type { BlobStore } from '../../../shared/ports.ts';
import type { UpdateStore } from './update-store.ts';

/** Drops the bytes of round `kept` - 1; what round `kept` holds too stays. */
export async function dropUpdatesBefore(kept: number, updates: UpdateStore, blobs: BlobStore): Promise<void> {
  const stays = new Set((await updates.ofRound(kept)).map(({ digest }) => digest));
  const goes = (await updates.ofRound(kept - 1)).filter(
    ({ state, digest }) => state === 'staged' && !stays.has(digest),
  );
  await Promise.all(goes.map(({ digest }) => blobs.delete(digest)));
}
