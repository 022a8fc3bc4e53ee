import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import {
  type Bundle,
  type BundleText,
  neededBlobs,
  packBundle,
  unpackBundle,
} from '../../../server/audit/bundle-form.ts';
import { verifyBundle } from '../../../server/audit/verify-bundle.ts';
import { sha256 } from '../../../shared/digest.ts';
import { asDigest, compareText } from '../../../shared/ids.ts';
import { accepted, isRefused, type Refused } from '../../../shared/protocol/refusals.ts';
import * as facts from '../../support/federation-facts.ts';
import { fc } from '../../support/properties.ts';

const { federation } = facts;
const text: BundleText = {
  form: 'muster-bundle/1',
  federation,
  round: 1,
  checkpoint: 'note',
  entries: [{ sequence: 1, text: '{}', proof: [] }],
  consistency: [],
  record: '{}',
  config: '{}',
  clients: {},
};
const content = Uint8Array.of(1, 2, 3);
const textBytes = new TextEncoder().encode(JSON.stringify(text));

const codeOf = (outcome: object): string => (isRefused(outcome) ? outcome.refusal.code : 'taken');
const unpacked = async (bytes: Uint8Array): Promise<Bundle | Refused> => await unpackBundle(bytes);
const stored = (files: Parameters<typeof zipSync>[0]): Uint8Array => zipSync(files, { level: 0 });

/** The file with a name in the place of another of the same length, wherever it stands. */
const renamed = (bytes: Uint8Array, from: string, to: string): Uint8Array =>
  Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll(from, to), 'latin1');

/** The file with a number of its central directory overwritten: 22 bytes of end, 46 of each entry before its name. */
function withDirectory(bytes: Uint8Array, change: (view: DataView, directory: number) => void): Uint8Array {
  const changed = bytes.slice();
  const view = new DataView(changed.buffer);
  change(view, view.getUint32(changed.length - 22 + 16, true));
  return changed;
}

describe('the file of a bundle', () => {
  it('gives back what was packed, and the same content is the same bytes in any order', async () => {
    const blobs = new Map([
      [await sha256(content), content],
      [await sha256('other'), new TextEncoder().encode('other')],
    ]);
    const bytes = packBundle({ text, blobs });
    expect(accepted(await unpacked(bytes))).toEqual({ kind: 'bundle', text, blobs });
    expect(packBundle({ text, blobs: new Map([...blobs].reverse()) })).toEqual(bytes);
  });

  it.each([
    ['no zip', content],
    ['an empty file', new Uint8Array()],
    ['no text', stored({})],
    ['a text that is no JSON', stored({ 'bundle.json': content })],
    ['a text of another form', stored({ 'bundle.json': new TextEncoder().encode('{"form":"x"}') })],
    ['a name that leads out', stored({ 'bundle.json': textBytes, '../x': content })],
    ['an absolute name', stored({ 'bundle.json': textBytes, '/etc/x': content })],
    ['a name that is no digest', stored({ 'bundle.json': textBytes, 'blobs/x': content })],
    ['a file too many', stored({ 'bundle.json': textBytes, 'readme.txt': content })],
    ['__proto__', renamed(stored({ 'bundle.json': textBytes, xxprotoxx: content }), 'xxprotoxx', '__proto__')],
    ['compressed content', zipSync({ 'bundle.json': textBytes }, { level: 9 })],
    ['a blob of another digest', stored({ 'bundle.json': textBytes, [`blobs/${'ab'.repeat(32)}`]: content })],
    ['half a file', stored({ 'bundle.json': textBytes }).subarray(0, 200)],
  ])('is refused with %s', async (_, bytes) => {
    expect(codeOf(await unpacked(bytes))).toBe('bad-bundle');
  });

  it('is refused before anything is taken out where it declares more than it holds, or one name twice', async () => {
    const digest = await sha256(content);
    const bytes = packBundle({ text, blobs: new Map([[digest, content]]) });
    const sizes = withDirectory(bytes, (view, at) => {
      view.setUint32(at + 20, 2 ** 31, true);
      view.setUint32(at + 24, 2 ** 31, true);
    });
    expect(codeOf(await unpacked(sizes))).toBe('bad-bundle');
    const many = withDirectory(bytes, (view) => view.setUint16(view.byteLength - 22 + 8, 0xfffe, true));
    expect(codeOf(await unpacked(many))).toBe('bad-bundle');
    const twice = renamed(stored({ 'bundle.json': textBytes, 'bundle.jsox': textBytes }), 'bundle.jsox', 'bundle.json');
    expect(codeOf(await unpacked(twice))).toBe('bad-bundle');
  });

  it('is refused where its files lie over each other, however right each of them is', async () => {
    const long = new Uint8Array(5_000).fill(7);
    const lengths = [4_997, 4_998, 4_999];
    const names = await Promise.all(lengths.map((length) => sha256(long.slice(0, length))));
    const apart = new Map([[await sha256(long), long], ...names.map((name) => [name, content] as const)]);
    const over = withDirectory(packBundle({ text, blobs: apart }), (view, directory) => {
      const named = new Map<string, number>();
      for (let at = directory; view.getUint32(at, true) === 0x02014b50; at += 46 + view.getUint16(at + 28, true)) {
        const name = new Uint8Array(view.buffer, at + 46, view.getUint16(at + 28, true));
        named.set(new TextDecoder().decode(name), at);
      }
      const offset = view.getUint32((named.get(`blobs/${[...apart.keys()][0]}`) ?? 0) + 42, true);
      for (const [i, name] of names.entries()) {
        const at = named.get(`blobs/${name}`) ?? 0;
        view.setUint32(at + 20, lengths[i] ?? 0, true);
        view.setUint32(at + 24, lengths[i] ?? 0, true);
        view.setUint32(at + 42, offset, true);
      }
    });
    expect(codeOf(await unpacked(over))).toBe('bad-bundle');
  });

  it('never makes the verifier throw, whatever bytes it is made of', async () => {
    const bytes = packBundle({ text, blobs: new Map([[asDigest('ab'.repeat(32)), content]]) });
    const property = fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, byte) => {
      expect(['bad-bundle', 'bad-checkpoint']).toContain(codeOf(await verifyBundle(bytes.with(at, byte))));
    });
    await fc.assert(property, { seed: 5, numRuns: 400 });
  });
});

describe('the blobs that a round needs', () => {
  const record = facts.record(3);
  const updates = record.updates.map(({ update }) => update);
  const inputs = [facts.modelOf(2), facts.modelOf(3), facts.stateAfter(2)];
  const parent = facts.digest('parent');
  const sorted = (needed: readonly (string | null)[]): readonly string[] =>
    needed.flatMap((each) => each ?? []).sort(compareText);

  it('are its models and updates, what its optimiser remembered and what its rule began from', () => {
    const begun = { ...record, aggregation: record.aggregation && { ...record.aggregation, reference: parent } };
    expect(sorted(neededBlobs(begun, { parent: null, withUpdates: true }))).toEqual(
      sorted([...inputs, parent, ...updates]),
    );
  });

  it('hold no parent where the rule began from nothing, nor a state where none was remembered', () => {
    const aggregation = record.aggregation && { ...record.aggregation, reference: null };
    const plain = { ...record, aggregation, optimiser: { ...record.optimiser, stateBefore: null } };
    expect(sorted(neededBlobs(plain, { parent, withUpdates: true }))).toEqual(
      sorted([facts.modelOf(2), facts.modelOf(3), ...updates]),
    );
  });

  it('hold the parent where the gate stopped the round: its record does not say what the rule began from', () => {
    const stopped = { ...record, state: 'abandoned', code: 'gate-failed', model: null, aggregation: null } as const;
    const state = facts.stateAfter(2);
    expect(sorted(neededBlobs(stopped, { parent, withUpdates: true }))).toEqual(
      sorted([facts.modelOf(2), state, parent, ...updates]),
    );
    expect(sorted(neededBlobs(stopped, { parent: null, withUpdates: true }))).toEqual(
      sorted([facts.modelOf(2), state, ...updates]),
    );
    const small = { ...stopped, code: 'cohort-too-small' } as const;
    expect(sorted(neededBlobs(small, { parent, withUpdates: true }))).toEqual(
      sorted([facts.modelOf(2), state, ...updates]),
    );
  });
});
