import { describe, expect, it } from 'vitest';
import { asClientId, asDigest, asFederationId } from '../../../shared/ids.ts';
import { type Envelope, envelopeBytes, envelopeSchema } from '../../../shared/protocol/envelope.ts';
import { schemaText } from '../../../shared/update-format/tensor-schema.ts';

const envelope: Envelope = {
  protocolVersion: 1,
  federation: asFederationId('digits'),
  client: asClientId('c1'.repeat(32)),
  round: 12,
  baseModelDigest: asDigest('ba'.repeat(32)),
  updateDigest: asDigest('d1'.repeat(32)),
  byteLength: 31_496,
  schemaDigest: asDigest('5c'.repeat(32)),
  privacy: { noiseMultiplier: 1.0312, samplingRate: 0.1, clippingNormL2: 1, steps: 10 },
  checkpoint: { size: 41, root: asDigest('40'.repeat(32)) },
  nonce: '0123456789abcdef0123456789abcdef',
};

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('what a client signs', () => {
  it('is the domain prefix and the envelope with its keys in order: pinned for other languages', () => {
    expect(text(envelopeBytes(envelope))).toBe(
      'muster/update-envelope/v1\n' +
        `{"baseModelDigest":"${'ba'.repeat(32)}","byteLength":31496,` +
        `"checkpoint":{"root":"${'40'.repeat(32)}","size":41},"client":"${'c1'.repeat(32)}",` +
        '"federation":"digits","nonce":"0123456789abcdef0123456789abcdef",' +
        '"privacy":{"clippingNormL2":1,"noiseMultiplier":1.0312,"samplingRate":0.1,"steps":10},' +
        `"protocolVersion":1,"round":12,"schemaDigest":"${'5c'.repeat(32)}","updateDigest":"${'d1'.repeat(32)}"}`,
    );
    expect(text(envelopeBytes({ ...envelope, privacy: null }))).toContain('"privacy":null');
  });

  it('is the same bytes whatever the order of the keys', () => {
    const reversed = envelopeSchema.parse(Object.fromEntries(Object.entries(envelope).reverse()));
    expect(envelopeBytes(reversed)).toEqual(envelopeBytes(envelope));
  });

  it('is other bytes when any field is another', () => {
    const others: Partial<Envelope>[] = [
      { federation: asFederationId('letters') },
      { client: asClientId('c2'.repeat(32)) },
      { round: 13 },
      { baseModelDigest: asDigest('bb'.repeat(32)) },
      { updateDigest: asDigest('d2'.repeat(32)) },
      { byteLength: 31_497 },
      { schemaDigest: asDigest('5d'.repeat(32)) },
      { privacy: null },
      { checkpoint: { size: 42, root: asDigest('40'.repeat(32)) } },
      { nonce: '1123456789abcdef0123456789abcdef' },
    ];
    const texts = others.map((changes) => text(envelopeBytes({ ...envelope, ...changes })));
    expect(new Set([text(envelopeBytes(envelope)), ...texts]).size).toBe(others.length + 1);
    expect(Object.keys(envelope)).toHaveLength(others.length + 1);
    const forked = { size: 41, root: asDigest('41'.repeat(32)) };
    expect(text(envelopeBytes({ ...envelope, checkpoint: forked }))).not.toBe(text(envelopeBytes(envelope)));
  });
});

describe('an envelope', () => {
  it('is read back as it was', () => {
    expect(envelopeSchema.parse(JSON.parse(JSON.stringify(envelope)))).toEqual(envelope);
  });

  it.each<[string, object]>([
    ['another protocol version', { protocolVersion: 2 }],
    ['a round 0', { round: 0 }],
    ['half a byte', { byteLength: 0.5 }],
    ['no bytes', { byteLength: 0 }],
    ['a length past 2^53', { byteLength: 2 ** 53 }],
    ['a digest in capitals', { updateDigest: 'D1'.repeat(32) }],
    ['a short nonce', { nonce: 'ab' }],
    ['no claim at all', { privacy: undefined }],
    ['a claim of no noise', { privacy: { ...envelope.privacy, noiseMultiplier: 0 } }],
    ['a claim of infinite noise', { privacy: { ...envelope.privacy, noiseMultiplier: Infinity } }],
    ['no checkpoint', { checkpoint: undefined }],
    ['a checkpoint of half an entry', { checkpoint: { ...envelope.checkpoint, size: 0.5 } }],
    ['a checkpoint without a root', { checkpoint: { size: 41 } }],
    ['a checkpoint with its note', { checkpoint: { ...envelope.checkpoint, note: 'note' } }],
    ['a field of its own', { weight: 100 }],
  ])('with %s is none', (_, changes) => {
    expect(envelopeSchema.safeParse({ ...envelope, ...changes }).success).toBe(false);
  });
});

describe('the text of a tensor schema', () => {
  it('is pinned too, since envelopes hold its digest', () => {
    expect(
      schemaText([
        { name: 'dense/bias', shape: [10] },
        { name: 'scale', shape: [] },
      ]),
    ).toBe('[{"name":"dense/bias","shape":[10]},{"name":"scale","shape":[]}]');
  });
});
