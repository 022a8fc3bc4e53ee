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
    const version = { digest: await sha256(model), parent: null, round: 0, byteLength: model.byteLength };
    const { kept, deleted } = keptBytes([await rowOf(1, model)], [version]);
    await close(2, kept);
    expect(deleted).toEqual([]);
  });
});
