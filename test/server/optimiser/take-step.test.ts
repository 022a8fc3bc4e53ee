import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelStore, ModelVersion } from '../../../server/model/model-store.ts';
import { decodeState, encodeState, keepState, readState } from '../../../server/optimiser/optimiser-state.ts';
import { optimiserFor } from '../../../server/optimiser/optimisers.ts';
import { stateBefore, stepFrom, takeStep } from '../../../server/optimiser/take-step.ts';
import { fileBlobStore } from '../../../server/storage/file-blob-store.ts';
import { asDigest, asFederationId } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import type { BlobStore } from '../../../shared/ports.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { canonicalOrder } from '../../../shared/update-format/tensor-schema.ts';
import { codeOf } from '../../support/refusal-code.ts';
import { federation, schema, updateFile } from '../../support/small-federation.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const [plain, momentum, adam] = ['plain', 'momentum', 'adam'].map((name) => accepted(optimiserFor({ name })).made);
if (!plain || !momentum || !adam) throw new Error('three optimisers');
const store = (): BlobStore => fileBlobStore(join(temporaryFolder(), 'blobs'));
const aggregate = Float32Array.from([0.1, -0.2, 3e-30, 4, 5, -6]);
const lineage = { federation, round: 3 };

describe('what an optimiser remembers', () => {
  it.each([momentum, adam])('is read back to the last bit, $name', async (optimiser) => {
    const place = { optimiser, schema, blobs: store() };
    const state = optimiser.remembers.map((_, i) => aggregate.map((value) => value * (i + 1)));
    const digest = await keepState(state, lineage, place);
    expect(await readState(digest, place)).toEqual(state);
  });

  it('is no blob where it is nothing, and begins as the optimiser says', async () => {
    const place = { optimiser: plain, schema, blobs: store() };
    expect(await keepState([], lineage, place)).toBeNull();
    expect(await readState(null, place)).toEqual([]);
    expect(await readState(null, { ...place, optimiser: adam })).toEqual(adam.initialState(6));
  });

  it('says whose it is: the same of another round, federation or variant is another blob', () => {
    const slower = accepted(optimiserFor({ name: 'momentum', beta: 0.5 })).made;
    const first = encodeState([aggregate], lineage, { optimiser: momentum, schema });
    const texts = [
      first,
      encodeState([aggregate], { ...lineage, round: 4 }, { optimiser: momentum, schema }),
      encodeState([aggregate], { ...lineage, federation: asFederationId('others') }, { optimiser: momentum, schema }),
      encodeState([aggregate], lineage, { optimiser: slower, schema }),
    ].map((bytes) => Buffer.from(bytes ?? []).toString('hex'));
    expect(new Set(texts).size).toBe(4);
    expect(encodeState([aggregate], lineage, { optimiser: momentum, schema })).toEqual(first);
  });

  it('can be no update of the model, nor the state of another optimiser or model', () => {
    const bytes = encodeState([aggregate], lineage, { optimiser: momentum, schema }) ?? new Uint8Array();
    const other = canonicalOrder([{ name: 'other', shape: [6] }]);
    for (const place of [
      { optimiser: adam, schema },
      { optimiser: momentum, schema: other },
    ])
      expect(codeOf(decodeState(bytes, place))).toBe('unknown-tensor');
    expect(codeOf(decodeState(updateFile([...aggregate]), { optimiser: momentum, schema }))).toBe('unknown-tensor');
  });

  it('is a fault when its blob is missing or another', async () => {
    const place = { optimiser: momentum, schema, blobs: store() };
    await expect(readState(asDigest('ab'.repeat(32)), place)).rejects.toThrow(InvariantError);
    const model = await place.blobs.put(updateFile([...aggregate]));
    await expect(readState(model, place)).rejects.toThrow(InvariantError);
  });
});

const version = (round: number, changes: Partial<ModelVersion> = {}): ModelVersion => ({
  digest: asDigest(`0${round}`.repeat(32)),
  parent: round === 0 ? null : asDigest(`0${round - 1}`.repeat(32)),
  round,
  byteLength: 1,
  optimiserState: round === 0 ? null : asDigest(`5${round}`.repeat(32)),
  ...changes,
});
const modelsOf = (...versions: readonly ModelVersion[]): ModelStore => ({
  versions: () => Promise.resolve(versions),
  latest: () => Promise.resolve(versions.at(-1)),
  byDigest: (digest, before = Infinity) =>
    Promise.resolve(versions.findLast((each) => each.digest === digest && each.round < before)),
});

describe('the state that a round begins with', () => {
  it('is that of its base model, whatever came before and after', async () => {
    const versions = [0, 1, 2].map((round) => version(round));
    const models = modelsOf(...versions);
    for (const { digest: baseModel, optimiserState, round } of versions)
      expect(await stateBefore({ baseModel, number: round + 1 }, { optimiser: momentum, models })).toBe(optimiserState);
  });

  it('is that of the last version with these bytes from before the round', async () => {
    const { digest } = version(1);
    const models = modelsOf(version(0), version(1), version(2, { digest }), version(3, { digest }));
    const at = (number: number) => stateBefore({ baseModel: digest, number }, { optimiser: momentum, models });
    expect([await at(2), await at(3), await at(4)]).toEqual([1, 2, 3].map((round) => version(round).optimiserState));
  });

  it('is a fault where a round has made the model and left none, though the optimiser remembers', async () => {
    const { digest: baseModel } = version(1);
    const models = modelsOf(version(0), version(1, { optimiserState: null }));
    const begin = (optimiser: typeof plain) => stateBefore({ baseModel, number: 2 }, { optimiser, models });
    await expect(begin(momentum)).rejects.toThrow(InvariantError);
    expect(await begin(plain)).toBeNull();
    const unknown = { baseModel: asDigest('ab'.repeat(32)), number: 2 };
    await expect(stateBefore(unknown, { optimiser: momentum, models })).rejects.toThrow(InvariantError);
  });
});

describe('a step over rounds', () => {
  it('goes on from blob to blob as it would in memory', async () => {
    const place = { optimiser: adam, schema, blobs: store() };
    let inMemory = adam.initialState(6);
    let digest = await keepState(inMemory, lineage, place);
    for (let round = 1; round <= 5; round++) {
      const given = aggregate.map((value) => value / round);
      const expected = adam.step(given, inMemory);
      const taken = accepted(await takeStep(given, digest, place));
      expect({ step: taken.values, state: taken.state }).toEqual(expected);
      inMemory = expected.state;
      digest = await keepState(taken.state, { federation, round }, place);
    }
  });

  it('writes nothing', async () => {
    const never = (): Promise<never> => Promise.reject(new Error('not to be touched'));
    const place = { optimiser: momentum, schema, blobs: { get: never, put: never, has: never, delete: never } };
    expect(accepted(await takeStep(aggregate, null, place)).values).toEqual(aggregate);
  });

  it('is stopped where what is remembered would not be finite, though the step may be', () => {
    const huge = aggregate.map(() => 3e38);
    const taken = stepFrom(adam.initialState(6), huge, adam);
    expect(adam.step(huge, adam.initialState(6)).step.every(Number.isFinite)).toBe(true);
    expect(codeOf(taken)).toBe('gate-failed');
    expect(codeOf(stepFrom([], aggregate, momentum))).toBe('gate-failed');
  });
});
