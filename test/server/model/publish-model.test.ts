import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gateModel, publishModel } from '../../../server/model/publish-model.ts';
import { readModel } from '../../../server/model/read-model.ts';
import { fileBlobStore } from '../../../server/storage/file-blob-store.ts';
import { asDigest } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { canonicalOrder } from '../../../shared/update-format/tensor-schema.ts';
import { codeOf } from '../../support/refusal-code.ts';
import { baseModel, federation, schema, updateFile } from '../../support/small-federation.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { fc } from '../../support/properties.ts';

const values = Float32Array.from([0.1, -2, 3, 1e-30, 5, 6]);
const optimiserState = asDigest('0b'.repeat(32));
const lineage = { federation, schema, round: 3, parent: baseModel, optimiserState };
const store = () => fileBlobStore(join(temporaryFolder(), 'blobs'));

describe('the gate before a model', () => {
  it('lets through base + aggregate, each sum rounded to float32 once', () => {
    const value = fc.float({ noNaN: true, min: -(2 ** 100), max: 2 ** 100 });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { maxLength: 12 }), (pairs) => {
        const [base, step] = [0, 1].map((side) => Float32Array.from(pairs, (pair) => pair[side] ?? NaN));
        if (!base || !step) throw new Error('two vectors');
        const candidate = gateModel(base, step);
        const sums = pairs.map(([a, b]) => Math.fround(a + b));
        expect(candidate).toEqual({ kind: 'candidate', values: Float32Array.from(sums) });
      }),
    );
  });

  it.each<[string, number, number]>([
    ['overflow', 3e38, 3e38],
    ['overflow below', -3e38, -3e38],
    ['NaN', 0, NaN],
    ['an infinity', Infinity, 0],
  ])('stops %s, wherever it stands', (_, base, step) => {
    for (let at = 0; at < values.length; at++) {
      const outcome = gateModel(
        values.map((value, i) => (i === at ? base : value)),
        new Float32Array(6).fill(0, 0).with(at, step),
      );
      expect(codeOf(outcome)).toBe('gate-failed');
    }
  });

  it('stops an aggregate that is too short', () => {
    expect(codeOf(gateModel(values, values.subarray(1)))).toBe('gate-failed');
  });
});

describe('a published model', () => {
  it('is read back to the last bit', async () => {
    const blobs = store();
    const { digest, ...version } = await publishModel(values, lineage, blobs);
    expect(await readModel(digest, { blobs, schema })).toEqual(values);
    const { byteLength } = (await blobs.get(digest)) ?? {};
    expect(version).toEqual({ parent: baseModel, round: 3, byteLength, optimiserState });
  });

  it('has one digest for the same values and lineage, and another for another round or parent', async () => {
    const blobs = store();
    const digestOf = async (changes: Partial<typeof lineage> = {}) =>
      (await publishModel(values, { ...lineage, ...changes }, blobs)).digest;
    expect(await digestOf()).toBe(await digestOf());
    const others = [await digestOf({ round: 4 }), await digestOf({ parent: asDigest('0f'.repeat(32)) })];
    expect(new Set([await digestOf(), ...others]).size).toBe(3);
  });

  it('is a fault when it is missing or of another schema', async () => {
    const blobs = store();
    await expect(readModel(baseModel, { blobs, schema })).rejects.toThrow(InvariantError);
    const digest = await blobs.put(updateFile([...values]));
    const other = canonicalOrder([{ name: 'other', shape: [6] }]);
    await expect(readModel(digest, { blobs, schema: other })).rejects.toThrow(InvariantError);
  });
});
