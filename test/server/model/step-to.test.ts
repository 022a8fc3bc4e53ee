import { describe, expect, it } from 'vitest';
import { readModel } from '../../../server/model/read-model.ts';
import { stepTo } from '../../../server/model/step-to.ts';
import { asDigest, type Digest } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import type { BlobStore } from '../../../shared/ports.ts';
import type { ModelVersion } from '../../../server/model/model-store.ts';
import { schema, updateFile } from '../../support/small-federation.ts';
import { openFolder } from '../../support/data-folders.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const start = [0, 0.5, -1, 2, 3, -4];
const next = [0.25, 0.5, -3, 2.5, 3, 4];
const last = [1, 1, 1, 1, 1, 1];

/** Three versions in a row: `start`, `next` and `last`. */
async function chain() {
  const { blobs } = await openFolder(temporaryFolder());
  const versions: ModelVersion[] = [];
  for (const [round, values] of [start, next, last].entries()) {
    const bytes = updateFile(values);
    const parent = versions.at(-1)?.digest ?? null;
    versions.push({
      digest: await blobs.put(bytes),
      parent,
      round,
      byteLength: bytes.byteLength,
      optimiserState: null,
    });
  }
  return { versions, blobs, place: placeOf(versions, blobs) };
}

const placeOf = (versions: readonly ModelVersion[], blobs: BlobStore) => ({
  blobs,
  schema,
  models: {
    versions: () => Promise.resolve(versions),
    latest: () => Promise.resolve(versions.at(-1)),
    byDigest: (digest: Digest) => Promise.resolve(versions.findLast((version) => version.digest === digest)),
  },
});

const difference = (after: readonly number[], before: readonly number[]): number[] =>
  after.map((value, i) => value - (before[i] ?? NaN));

describe('the step to a model', () => {
  it('is the model minus its parent', async () => {
    const { versions, place } = await chain();
    for (const [index, [after, before]] of [
      [next, start],
      [last, next],
    ].entries()) {
      const digest = versions[index + 1]?.digest ?? asDigest('');
      const step = await stepTo(digest, await readModel(digest, place), place);
      expect(step?.from).toBe(versions[index]?.digest);
      expect([...(step?.values ?? [])]).toEqual(difference(after ?? [], before ?? []));
    }
  });

  it('leaves the model as it was', async () => {
    const { versions, place } = await chain();
    const model = Float32Array.from(next);
    await stepTo(versions[1]?.digest ?? asDigest(''), model, place);
    expect([...model]).toEqual(next);
  });

  it('is none for the initial model, nor for one that is no version', async () => {
    const { versions, place } = await chain();
    const model = Float32Array.from(start);
    expect(await stepTo(versions[0]?.digest ?? asDigest(''), model, place)).toBeNull();
    expect(await stepTo(asDigest('ab'.repeat(32)), model, place)).toBeNull();
  });

  it('is all zeros where a round left the model as it was', async () => {
    const { versions, blobs } = await chain();
    const digest = versions[1]?.digest ?? asDigest('');
    const unchanged = { digest, parent: digest, round: 2, byteLength: 1, optimiserState: null };
    const place = placeOf([unchanged], blobs);
    const step = await stepTo(digest, Float32Array.from(next), place);
    expect(step).toEqual({ from: digest, values: new Float32Array(6) });
  });

  it('is a fault where the parent is no longer kept', async () => {
    const { versions, blobs, place } = await chain();
    await blobs.delete(versions[0]?.digest ?? asDigest(''));
    const digest = versions[1]?.digest ?? asDigest('');
    await expect(stepTo(digest, Float32Array.from(next), place)).rejects.toThrow(InvariantError);
  });
});
