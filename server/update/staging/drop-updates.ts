// Updates are kept until the next round has closed (or as many more as the federation asks for), so that the newest
// round can be computed again by anyone with the folder, and no longer: single updates are what an attacker of the
// coordinator would be after. With them goes what the server optimiser remembered when their round began, unless a later
// round began with it too. A client chooses its update's bytes: they may be those of a model, or of its own update of a
// later round, and it may announce the digest of any blob; such a blob stays.

import type { Digest } from '../../../shared/ids.ts';
import type { BlobStore } from '../../../shared/ports.ts';
import type { ModelStore, ModelVersion } from '../../model/model-store.ts';
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
  const versions = await models.versions();
  const states = statesAfter(dropped, versions);
  const stays = new Set([
    ...[...(await Promise.all(later)).flat(), ...versions].map(({ digest }) => digest),
    ...states.stay,
  ]);
  // Whatever their state: a crash between the bytes and the row leaves those of an update that is not staged.
  const ofRound = (await updates.ofRound(dropped)).map(({ digest }) => digest);
  const goes = [...ofRound, ...states.go].filter((digest) => !stays.has(digest));
  await Promise.all(goes.map((digest) => blobs.delete(digest)));
}

/**
 * The first round kept began with the newest version from before it: its state stays, and that of every version since.
 * `go`: the state that was needed up to round `dropped` and no longer. `versions`: in the order of rounds.
 */
function statesAfter(
  dropped: number,
  versions: readonly ModelVersion[],
): { readonly stay: readonly Digest[]; readonly go: readonly Digest[] } {
  const base = versions.findLastIndex(({ round }) => round <= dropped);
  const statesOf = (some: readonly ModelVersion[]): readonly Digest[] =>
    some.flatMap(({ optimiserState }) => optimiserState ?? []);
  const isNewBase = versions[base]?.round === dropped;
  return {
    stay: statesOf(versions.slice(Math.max(base, 0))),
    go: isNewBase ? statesOf(versions.slice(Math.max(base - 1, 0), base)) : [],
  };
}
