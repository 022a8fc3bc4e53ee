import { describe, expect, it } from 'vitest';
import { dropUpdatesBeyond } from '../../../../server/update/staging/drop-updates.ts';
import type { Digest } from '../../../../shared/ids.ts';
import type { BlobStore } from '../../../../shared/ports.ts';
import { encodeSafetensors } from '../../../../shared/update-format/safetensors.ts';
import { envelopeFor, members, memberAt, schema, updateFile } from '../../../support/small-federation.ts';
import { sha256 } from '../../../../shared/digest.ts';
import type { KeptBytes } from '../../../../server/update/staging/drop-updates.ts';
import type { UpdateRow, UpdateStore } from '../../../../server/update/staging/update-store.ts';
import type { ModelVersion } from '../../../../server/model/model-store.ts';

const sender = memberAt(await members(1), 0);

async function rowOf(round: number, bytes: Uint8Array<ArrayBuffer>, state: UpdateRow['state'] = 'staged') {
  const envelope = await envelopeFor(sender, bytes, { round });
  const client = sender.client.id;
  const common = { round, client, digest: envelope.updateDigest, envelope, signature: '', refusal: null };
  return { ...common, state, figures: null, stagedAt: null } satisfies UpdateRow;
}

/** What is kept, and the digests that were deleted from it. */
function keptBytes(rows: readonly UpdateRow[], versions: readonly ModelVersion[] = []) {
  const deleted: Digest[] = [];
  const never = (): Promise<never> => Promise.reject(new Error('not asked for'));
  const blobs: BlobStore = {
    put: never,
    get: never,
    has: never,
    delete: (digest) => {
      deleted.push(digest);
      return Promise.resolve();
    },
  };
  const updates: UpdateStore = {
    announce: never,
    stage: never,
    refuse: never,
    find: never,
    ofRound: (round) => Promise.resolve(rows.filter((row) => row.round === round)),
  };
  const models = { versions: () => Promise.resolve(versions), latest: never, byDigest: never };
  const kept: KeptBytes = { updates, models, blobs };
  return { kept, deleted };
}

const [early, late] = [updateFile([1, 1, 1, 1, 1, 1]), updateFile([2, 2, 2, 2, 2, 2])];

/** As at the close of round `last`. */
const close = async (last: number, kept: KeptBytes, updateRounds = 1): Promise<void> =>
  await dropUpdatesBeyond({ last, updateRounds }, kept);

describe('the bytes of single updates', () => {
  it('go when the next round has closed, and not before', async () => {
    const rows = [await rowOf(1, early), await rowOf(2, late)];
    const { kept, deleted } = keptBytes(rows);
    await close(0, kept);
    await close(1, kept);
    expect(deleted).toEqual([]);
    await close(2, kept);
    expect(deleted).toEqual([rows[0]?.digest]);
  });

  it.each([1, 2, 3, 7])('are there for exactly as many rounds as the federation keeps: %i', async (updateRounds) => {
    const last = 9;
    const numbers = Array.from({ length: last }, (_, i) => i + 1);
    const rows = await Promise.all(numbers.map((round) => rowOf(round, updateFile([round, 0, 0, 0, 0, 0]))));
    const { kept, deleted } = keptBytes(rows);
    for (const closed of numbers) {
      await close(closed, kept, updateRounds);
      expect(deleted).toEqual(rows.slice(0, Math.max(0, closed - updateRounds)).map(({ digest }) => digest));
    }
  });

  it.each(['announced', 'refused'] as const)(
    'go for every client of the round, those of an update still %s too: a crash can leave its bytes behind',
    async (state) => {
      const rows = [await rowOf(1, early), await rowOf(1, late, state)];
      const { kept, deleted } = keptBytes(rows);
      await close(2, kept);
      expect(deleted).toEqual(rows.map(({ digest }) => digest));
    },
  );

  it.each([
    { updateRounds: 1, again: 2 },
    { updateRounds: 1, again: 3 },
    { updateRounds: 3, again: 2 },
    { updateRounds: 3, again: 3 },
    { updateRounds: 3, again: 4 },
    { updateRounds: 3, again: 5 },
  ])(
    'stay where the same bytes are of a later round, the one under way included: $again, with $updateRounds kept',
    async ({ updateRounds, again }) => {
      const { kept, deleted } = keptBytes([await rowOf(1, early), await rowOf(again, early)]);
      await close(1 + updateRounds, kept, updateRounds);
      expect(deleted).toEqual([]);
    },
  );

  it('stay when they are those of a model: a client may send back what it downloaded', async () => {
    const model = encodeSafetensors(schema, new Float32Array(6), { round: '0' });
    const version = {
      digest: await sha256(model),
      parent: null,
      round: 0,
      byteLength: model.byteLength,
      optimiserState: null,
    };
    const { kept, deleted } = keptBytes([await rowOf(1, model)], [version]);
    await close(2, kept);
    expect(deleted).toEqual([]);
  });
});

describe('what the optimiser remembered', () => {
  const digestOf = (what: string, round: number): Promise<Digest> => sha256(`${what} ${round}`);
  const versionOf = async (round: number): Promise<ModelVersion> => ({
    digest: await digestOf('model', round),
    parent: null,
    round,
    byteLength: 1,
    optimiserState: round === 0 ? null : await digestOf('state', round),
  });
  /** Rounds that committed; all others were abandoned. */
  const versionsOf = (...rounds: readonly number[]): Promise<ModelVersion[]> =>
    Promise.all([0, ...rounds].map(versionOf));
  const states = (...rounds: readonly number[]): Promise<Digest[]> =>
    Promise.all(rounds.map((round) => digestOf('state', round)));

  it.each([1, 2, 4])('goes with the updates of the round that it began, %i rounds being kept', async (updateRounds) => {
    for (let last = 1; last <= 6; last++) {
      const { kept, deleted } = keptBytes([], await versionsOf(...Array.from({ length: last }, (_, i) => i + 1)));
      await close(last, kept, updateRounds);
      // Round `last - updateRounds` is dropped, and with it what it began with: the state after the round before it.
      const gone = last - updateRounds - 1;
      expect(deleted).toEqual(gone >= 1 ? await states(gone) : []);
    }
  });

  it('stays while the newest version needs it, however many rounds were abandoned since', async () => {
    const { kept, deleted } = keptBytes([], await versionsOf(1, 2));
    for (const last of [4, 5, 6, 7]) await close(last, kept);
    expect(deleted).toEqual([]);
  });

  it('goes once when a later round begins with another, in whichever round that was', async () => {
    // Round 3 was abandoned: rounds 3 and 4 began with the state after round 2.
    for (const [last, gone] of [
      [3, [1]],
      [4, []],
      [5, [2]],
      [6, [4]],
    ] as const) {
      const made = [1, 2, 4, 5, 6].filter((round) => round <= last);
      const { kept, deleted } = keptBytes([], await versionsOf(...made));
      await close(last, kept);
      expect(deleted).toEqual(await states(...gone));
    }
  });

  it('stays although a client announced its digest as that of an update', async () => {
    const [state] = await states(2);
    const row = await rowOf(1, early, 'announced');
    const { kept, deleted } = keptBytes([{ ...row, digest: state ?? row.digest }], await versionsOf(1, 2));
    await close(2, kept);
    expect(deleted).toEqual([]);
  });
});
