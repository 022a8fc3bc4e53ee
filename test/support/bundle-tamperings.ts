// Ways to falsify a bundle after its export, without the ledger's key: each changes, removes or moves one thing. What a
// tampering looks for may be missing in a bundle, which then stays as it is: `alteredBundles` leaves those out.

import { createHash } from 'node:crypto';
import { type Bundle, type BundleText, packBundle } from '../../server/audit/bundle-form.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { asDigest, type Digest } from '../../shared/ids.ts';
import { type RoundRecord, roundRecordSchema } from '../../shared/protocol/round-record.ts';

const extra = new TextEncoder().encode('extra');
export const extraDigest = createHash('sha256').update(extra).digest('hex');

type Tampering = (bundle: Bundle) => { readonly text?: object; readonly blobs?: Bundle['blobs'] };

const flipped = (hex: string, at = 0): string => hex.slice(0, at) + (hex[at] === '0' ? '1' : '0') + hex.slice(at + 1);
const inText =
  (change: (text: BundleText) => object): Tampering =>
  ({ text }) => ({ text: { ...text, ...change(text) } });
const inRecord = (change: (record: RoundRecord) => object): Tampering =>
  inText(({ record }) => {
    const parsed = roundRecordSchema.parse(JSON.parse(record));
    return { record: canonicalJson({ ...parsed, ...change(parsed) }) };
  });
const inConfig = (from: string, to: string): Tampering =>
  inText(({ config }) => ({ config: config.replace(from, to) }));
const inEntry = (type: string, change: (text: string) => string): Tampering =>
  inText(({ entries }) => ({
    entries: entries.map((entry) =>
      entry.text.includes(`"type":"${type}"`) ? { ...entry, text: change(entry.text) } : entry,
    ),
  }));
const withoutEntry = (type: string): Tampering =>
  inText(({ entries }) => {
    const at = entries.findLastIndex(({ text }) => text.includes(`"type":"${type}"`));
    return { entries: entries.filter((_, index) => index !== at) };
  });
const changedNumber = (key: string): ((text: string) => string) => {
  const pattern = new RegExp(`("${key}":-?[0-9.]*)([0-9])`);
  return (text) => text.replace(pattern, (_, start: string, last: string) => `${start}${(Number(last) + 1) % 10}`);
};
const changedHex = (key: string): ((text: string) => string) => {
  const pattern = new RegExp(`("${key}":")([0-9a-f])`);
  return (text) => text.replace(pattern, (_, start: string, first: string) => `${start}${flipped(first)}`);
};

/** Which blobs there are, in the order of the record. */
function blobNames({ text }: Bundle): {
  readonly base: Digest;
  readonly model: Digest;
  readonly updates: readonly Digest[];
} {
  const { baseModel, model, updates } = roundRecordSchema.parse(JSON.parse(text.record));
  return { base: baseModel, model: model ?? baseModel, updates: updates.map(({ update }) => update) };
}
const inBlobs =
  (change: (blobs: Map<Digest, Uint8Array<ArrayBuffer>>, names: ReturnType<typeof blobNames>) => void): Tampering =>
  (bundle) => {
    const blobs = new Map(bundle.blobs);
    change(blobs, blobNames(bundle));
    return { blobs };
  };
export const lastByteChanged = (bytes: Uint8Array<ArrayBuffer> = new Uint8Array()): Uint8Array<ArrayBuffer> =>
  bytes.with(bytes.length - 1, (bytes.at(-1) ?? 0) ^ 1);
const swap = (blobs: Map<Digest, Uint8Array<ArrayBuffer>>, a: Digest | undefined, b: Digest | undefined): void => {
  const [left, right] = [blobs.get(a ?? asDigest('')), blobs.get(b ?? asDigest(''))];
  if (a && b && left && right) blobs.set(a, right).set(b, left);
};

export const tamperings: readonly (readonly [string, Tampering])[] = [
  ['another form', inText(() => ({ form: 'muster-bundle/2' }))],
  ['an unknown member', inText(() => ({ note: 'x' }))],
  ['another federation', inText(() => ({ federation: 'others' }))],
  ['another round', inText(() => ({ round: 1 }))],
  [
    'the size of the checkpoint',
    inText(({ checkpoint }) => ({
      checkpoint: checkpoint.replace(/\n(\d+)\n/, (_, n: string) => `\n${Number(n) + 1}\n`),
    })),
  ],
  [
    'the root of the checkpoint',
    inText(({ checkpoint }) => ({
      checkpoint: checkpoint.replace(/\n(\d+)\n(.)/, (_, n: string, c: string) => `\n${n}\n${c === 'A' ? 'B' : 'A'}`),
    })),
  ],
  [
    'the origin of the checkpoint',
    inText(({ checkpoint }) => ({ checkpoint: checkpoint.replace('journeys', 'journeyz') })),
  ],
  [
    'the signature of the checkpoint',
    inText(({ checkpoint }) => ({
      checkpoint: checkpoint.replace(
        /(.{10})(.)(.{20}\n)$/,
        (_, a: string, c: string, b: string) => `${a}${c === 'A' ? 'B' : 'A'}${b}`,
      ),
    })),
  ],
  [
    'a checkpoint without signature',
    inText(({ checkpoint }) => ({ checkpoint: `${checkpoint.split('\n\n')[0] ?? ''}\n\n` })),
  ],
  ['the record of another number', inRecord(({ number }) => ({ number: number + 1 }))],
  ['the record of another model', inRecord(({ model }) => ({ model: flipped(model ?? '') }))],
  ['the record of another base model', inRecord(({ baseModel }) => ({ baseModel: flipped(baseModel) }))],
  ['the record of another f', inRecord(({ f }) => ({ f: f + 1 }))],
  ['the record of another seed', inRecord(({ seed }) => ({ seed: flipped(seed, 9) }))],
  ['the record of another commitment', inRecord(({ seedCommitment }) => ({ seedCommitment: flipped(seedCommitment) }))],
  ['the record of other bytes received', inRecord(({ bytesReceived }) => ({ bytesReceived: bytesReceived + 1 }))],
  ['the record without a client', inRecord(({ cohort }) => ({ cohort: cohort.slice(1) }))],
  ['the record without an eligible client', inRecord(({ eligible }) => ({ eligible: eligible.slice(1) }))],
  ['the record without a verdict', inRecord(({ verdicts }) => ({ verdicts: verdicts.slice(1) }))],
  ['the record without an update', inRecord(({ updates }) => ({ updates: updates.slice(1) }))],
  ['the record with updates in another order', inRecord(({ updates }) => ({ updates: updates.toReversed() }))],
  ['the record of another step', inRecord(() => ({ stepNormL2: 1 }))],
  ['the record of another aggregate', inRecord(() => ({ aggregateNormL2: 1 }))],
  ['the record without an aggregation', inRecord(() => ({ aggregation: null }))],
  [
    'the record of another certificate',
    inRecord(({ aggregation }) => ({
      aggregation: aggregation && { ...aggregation, certificate: { bound: 0, exact: true } },
    })),
  ],
  [
    'the record of other warnings',
    inRecord(({ aggregation }) => ({ aggregation: aggregation && { ...aggregation, warnings: ['Beware.'] } })),
  ],
  [
    'the record of another reference',
    inRecord(({ aggregation, baseModel }) => ({
      aggregation: aggregation && { ...aggregation, reference: baseModel },
    })),
  ],
  ['the record of another variant', inRecord(({ rule }) => ({ rule: { ...rule, variant: 'unsquared' } }))],
  [
    'the record of something in front of the rule',
    inRecord(({ rule }) => ({ rule: { ...rule, pre: [{ name: 'nnm', variant: '' }] } })),
  ],
  ['the record of another optimiser', inRecord(({ optimiser }) => ({ optimiser: { ...optimiser, name: 'momentum' } }))],
  [
    'the record of another state before',
    inRecord(({ optimiser, baseModel }) => ({ optimiser: { ...optimiser, stateBefore: baseModel } })),
  ],
  [
    'the record of another state after',
    inRecord(({ optimiser, baseModel }) => ({ optimiser: { ...optimiser, stateAfter: baseModel } })),
  ],
  [
    'the record of another rank',
    inRecord(({ verdicts }) => ({ verdicts: verdicts.map((verdict) => ({ ...verdict, rank: 1 })) })),
  ],
  [
    'the record of another distance',
    inRecord(({ verdicts }) => ({ verdicts: verdicts.map((verdict) => ({ ...verdict, distanceToAggregate: 1 })) })),
  ],
  [
    'the record of another share',
    inRecord(({ verdicts }) => ({ verdicts: verdicts.map((verdict) => ({ ...verdict, share: 1 })) })),
  ],
  ['the record of another rule', inRecord(({ rule }) => ({ rule: { ...rule, name: 'mean' } }))],
  ['the record of another m', inRecord(({ rule }) => ({ rule: { ...rule, m: 2 } }))],
  ['the record of another end', inRecord(() => ({ state: 'abandoned', code: 'gate-failed', model: null }))],
  [
    'the record of another score',
    inRecord(({ verdicts }) => ({ verdicts: verdicts.map((verdict) => ({ ...verdict, score: 1 })) })),
  ],
  [
    'the record of other flags',
    inRecord(({ verdicts }) => ({ verdicts: verdicts.map((verdict) => ({ ...verdict, flags: ['suspect'] })) })),
  ],
  ['the record not in canonical form', inText(({ record }) => ({ record: `${record} ` }))],
  ['the configuration of another rule', inConfig('multi-krum', 'mean')],
  ['the configuration of another optimiser', inConfig('"name":"plain"', '"name":"momentum"')],
  ['the configuration of other rounds', inConfig('"rounds":2', '"rounds":3')],
  ['the configuration of another f', inConfig('"f":1', '"f":2')],
  ['the configuration not in canonical form', inConfig('{', '{ ')],
  [
    'the name of a client’s key',
    inText(({ clients }) => ({
      clients: Object.fromEntries(Object.entries(clients).map(([id, key]) => [flipped(id), key])),
    })),
  ],
  [
    'a client’s key',
    inText(({ clients }) => ({
      clients: Object.fromEntries(Object.entries(clients).map(([id, key]) => [id, flipped(key)])),
    })),
  ],
  ['a client removed', inText(({ clients }) => ({ clients: Object.fromEntries(Object.entries(clients).slice(1)) }))],
  ['the founding removed', inText(({ entries }) => ({ entries: entries.slice(1) }))],
  ['an enrolment removed', withoutEntry('client-enrolled')],
  ['the commitment to the seed removed', withoutEntry('round-seed-committed')],
  ['a statement removed', withoutEntry('update-announced')],
  ['a staging removed', withoutEntry('update-staged')],
  ['an equivocation removed', withoutEntry('equivocation')],
  ['a verdict removed', withoutEntry('verdict')],
  ['the end removed', inText(({ entries }) => ({ entries: entries.slice(0, -1) }))],
  [
    'two entries swapped',
    inText(({ entries }) => ({ entries: [...entries.slice(0, -2), ...entries.slice(-2).toReversed()] })),
  ],
  ['an entry twice', inText(({ entries }) => ({ entries: [...entries, ...entries.slice(-1)] }))],
  [
    'the number of an entry',
    inText(({ entries }) => ({
      entries: entries.map((entry, i) => (i === 3 ? { ...entry, sequence: entry.sequence + 1 } : entry)),
    })),
  ],
  [
    'a step of a proof',
    inText(({ entries }) => ({
      entries: entries.map((entry, i) =>
        i === 3 ? { ...entry, proof: entry.proof.map((step, at) => (at === 0 ? flipped(step) : step)) } : entry,
      ),
    })),
  ],
  [
    'a proof cut short',
    inText(({ entries }) => ({ entries: entries.map((entry) => ({ ...entry, proof: entry.proof.slice(1) })) })),
  ],
  ['the score of a verdict entry', inEntry('verdict', changedNumber('score'))],
  ['the signature of a statement', inEntry('update-announced', changedHex('signature'))],
  ['the nonce of a statement', inEntry('update-announced', changedHex('nonce'))],
  ['the organisation of an enrolment', inEntry('client-enrolled', (text) => text.replace('clinic', 'klinik'))],
  ['the key of the ledger', inEntry('federation-founded', changedHex('ledgerKey'))],
  ['the rank of a verdict entry', inEntry('verdict', changedNumber('rank'))],
  [
    'the optimiser’s state at the end',
    inEntry('round-committed', (text) => text.replace('"optimiserState":null', `"optimiserState":"${extraDigest}"`)),
  ],
  ['the model of the end', inEntry('round-committed', changedHex('model'))],
  ['the older heads', inText(() => ({ consistency: [] }))],
  [
    'the proof of an older head',
    inText(({ consistency }) => ({ consistency: consistency.map((old) => ({ ...old, proof: old.proof.slice(1) })) })),
  ],
  [
    'the root of an older head',
    inText(({ consistency }) => ({ consistency: consistency.map((old) => ({ ...old, root: flipped(old.root) })) })),
  ],
  [
    'a byte of an update',
    inBlobs((blobs, { updates: [first] }) => {
      if (first) blobs.set(first, lastByteChanged(blobs.get(first)));
    }),
  ],
  [
    'a byte of the base model',
    inBlobs((blobs, { base }) => {
      blobs.set(base, lastByteChanged(blobs.get(base)));
    }),
  ],
  [
    'a byte of the model',
    inBlobs((blobs, { model }) => {
      blobs.set(model, lastByteChanged(blobs.get(model)));
    }),
  ],
  ['two updates swapped', inBlobs((blobs, { updates: [a, b] }) => swap(blobs, a, b))],
  [
    'a blob that nobody named',
    inBlobs((blobs, { base }) => {
      blobs.set(asDigest(extraDigest), extra).set(base, blobs.get(base) ?? extra);
    }),
  ],
  [
    'an update removed',
    inBlobs((blobs, { updates: [first] }) => {
      if (first) blobs.delete(first);
    }),
  ],
  [
    'the base model removed',
    inBlobs((blobs, { base }) => {
      blobs.delete(base);
    }),
  ],
  [
    'the model removed',
    inBlobs((blobs, { model }) => {
      blobs.delete(model);
    }),
  ],
  ['the model in the place of the base', inBlobs((blobs, { model, base }) => swap(blobs, model, base))],
];

export function tampered(bundle: Bundle, tampering: Tampering): Uint8Array {
  const { text = bundle.text, blobs = bundle.blobs } = tampering(bundle);
  // What a hostile writer writes fits no type: it goes the way of JSON.
  return packBundle({ text: JSON.parse(JSON.stringify(text)), blobs });
}

/** Name and bytes of every tampering that alters this bundle. */
export function alteredBundles(bundle: Bundle): readonly (readonly [string, Uint8Array])[] {
  const original = packBundle(bundle);
  const changed = tamperings.map(([what, tampering]) => [what, tampered(bundle, tampering)] as const);
  return changed.filter(([, bytes]) => Buffer.compare(bytes, original) !== 0);
}
