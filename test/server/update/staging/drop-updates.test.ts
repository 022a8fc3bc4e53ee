import { describe, expect, it } from 'vitest';
import { dropUpdatesBefore } from '../../../../server/update/staging/drop-updates.ts';
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
  const models = { versions: () => Promise.resolve(versions), latest: never };
  const kept: KeptBytes = { updates, models, blobs };
  return { kept, deleted };
}

const [early, late] = [updateFile([1, 1, 1, 1, 1, 1]), updateFile([2, 2, 2, 2, 2, 2])];

describe('the bytes of single updates', () => {
  it('go when the next round has closed, and not before', async () => {
    const rows = [await rowOf(1, early), await rowOf(2, late)];
    const { kept, deleted } = keptBytes(rows);
    await dropUpdatesBefore(1, kept);
    expect(deleted).toEqual([]);
    await dropUpdatesBefore(2, kept);
    expect(deleted).toEqual([rows[0]?.digest]);
  });

  it.each(['announced', 'refused'] as const)(
    'go for every client of the round, those of an update still %s too: a crash can leave its bytes behind',
    async (state) => {
      const rows = [await rowOf(1, early), await rowOf(1, late, state)];
      const { kept, deleted } = keptBytes(rows);
      await dropUpdatesBefore(2, kept);
      expect(deleted).toEqual(rows.map(({ digest }) => digest));
    },
  );

  it.each([2, 3])('stay when the same bytes were staged in round %i as well', async (round) => {
    const { kept, deleted } = keptBytes([await rowOf(1, early), await rowOf(round, early)]);
    await dropUpdatesBefore(2, kept);
    expect(deleted).toEqual([]);
  });

  it('stay when they are those of a model: a client may send back what it downloaded', async () => {
    const model = encodeSafetensors(schema, new Float32Array(6), { round: '0' });
    const version = { digest: await sha256(model), parent: null, round: 0, byteLength: model.byteLength };
    const { kept, deleted } = keptBytes([await rowOf(1, model)], [version]);
    await dropUpdatesBefore(2, kept);
    expect(deleted).toEqual([]);
  });
});
