import { describe, expect, it } from 'vitest';
import type { AdmittedUpload } from '../../../../server/admission/admit-upload.ts';
import { checkStatement } from '../../../../server/update/integrity/check-statement.ts';
import { sha256 } from '../../../../shared/digest.ts';
import { asDigest, asFederationId } from '../../../../shared/ids.ts';
import type { Envelope } from '../../../../shared/protocol/envelope.ts';
import { maxSafetensorsBytes } from '../../../../shared/update-format/safetensors.ts';
import { schemaText } from '../../../../shared/update-format/tensor-schema.ts';
import { codeOf } from '../../../support/refusal-code.ts';
import * as small from '../../../support/small-federation.ts';

const [anna, ben] = await small.threeMembers();
const bytes = small.updateFile([1, 2, 3, 4, 5, 6]);
const otherDigest = asDigest('0f'.repeat(32));
/** The one head that was signed: what `envelopeFor` names. */
const signedHead = { size: 1, root: asDigest('c1'.repeat(32)) };
const statementTerms = {
  terms: small.terms,
  schemaDigest: await sha256(schemaText(small.schema)),
  isCheckpoint: ({ size, root }: Envelope['checkpoint']) =>
    Promise.resolve(size === signedHead.size && root === signedHead.root),
};
const claim = { noiseMultiplier: 1.03, samplingRate: 0.1, clippingNormL2: 1.5, steps: 10 };

/** Validly signed, whatever it says. */
async function admitted(changes: Partial<Envelope> = {}, signer = anna): Promise<AdmittedUpload> {
  const envelope = await small.envelopeFor(anna, bytes, changes);
  const begin = await small.beginFor(envelope, signer.key);
  return { kind: 'admitted-upload', client: anna.client, begin, round: small.roundFor([anna, ben]) };
}

describe('a signed statement', () => {
  it('becomes an announced update when it says what the round asks', async () => {
    const upload = await admitted();
    const { envelope, signature } = upload.begin;
    expect(await checkStatement(upload, statementTerms)).toEqual({
      kind: 'announced',
      client: anna.client,
      envelope,
      signature,
    });
  });

  it.each<[string, Partial<Envelope>]>([
    ['wrong-federation', { federation: asFederationId('letters') }],
    ['replayed', { round: 2 }],
    ['wrong-base', { baseModelDigest: otherDigest }],
    ['unknown-checkpoint', { checkpoint: { ...signedHead, size: 2 } }],
    ['unknown-checkpoint', { checkpoint: { ...signedHead, root: otherDigest } }],
    ['too-large', { byteLength: 2 ** 31 }],
    ['too-large', { byteLength: maxSafetensorsBytes(small.schema) + 1 }],
    ['bad-shape', { schemaDigest: otherDigest }],
    ['wrong-terms', { privacy: null }],
    ['wrong-terms', { privacy: { ...claim, noiseMultiplier: 1.02 } }],
    ['wrong-terms', { privacy: { ...claim, samplingRate: 0.2 } }],
    ['wrong-terms', { privacy: { ...claim, clippingNormL2: 1 } }],
    ['wrong-terms', { privacy: { ...claim, steps: 9 } }],
  ])('is refused as %s, however well it is signed: %j', async (code, changes) => {
    expect(codeOf(await checkStatement(await admitted(changes), statementTerms))).toBe(code);
  });

  it('may declare any length that a file of the model can have', async () => {
    const largest = await admitted({ byteLength: maxSafetensorsBytes(small.schema) });
    expect(codeOf(await checkStatement(largest, statementTerms))).toBe('announced');
  });

  it('of another round is refused although it was accepted then', async () => {
    const upload = await admitted();
    const nextRound = { ...upload, round: small.roundFor([anna], { number: 2 }) };
    expect(codeOf(await checkStatement(nextRound, statementTerms))).toBe('replayed');
  });

  it('is refused when a privacy claim comes where the federation declares none', async () => {
    const open = { ...statementTerms, terms: small.openTerms };
    expect(codeOf(await checkStatement(await admitted(), open))).toBe('wrong-terms');
    expect(codeOf(await checkStatement(await admitted({ privacy: null }), open))).toBe('announced');
  });

  it('is refused under another key than the socket’s, whoever it names and whoever signed it', async () => {
    const ofBen = { client: ben.client.id };
    for (const upload of [await admitted(ofBen, ben), await admitted(ofBen), await admitted({}, ben)]) {
      expect(codeOf(await checkStatement(upload, statementTerms))).toBe('bad-signature');
    }
  });

  it('is held to its signature before anything else that is wrong with it', async () => {
    const upload = await admitted({ round: 2, byteLength: 2 ** 31 }, ben);
    const asked: number[] = [];
    const isCheckpoint = ({ size }: Envelope['checkpoint']) => {
      asked.push(size);
      return Promise.resolve(false);
    };
    expect(codeOf(await checkStatement(upload, { ...statementTerms, isCheckpoint }))).toBe('bad-signature');
    expect(asked).toEqual([]);
  });

  it('that names a checkpoint never signed here is told which one, for people to compare', async () => {
    const refused = await checkStatement(
      await admitted({ checkpoint: { size: 9, root: otherDigest } }),
      statementTerms,
    );
    expect(refused).toMatchObject({ refusal: { found: `size 9, root ${otherDigest}` } });
  });

  it('is refused when one character of what was signed has changed', async () => {
    const upload = await admitted();
    const forged: Partial<Envelope>[] = [
      { nonce: 'f'.repeat(32) },
      { updateDigest: otherDigest },
      { byteLength: bytes.byteLength + 1 },
      { round: 3 },
      { checkpoint: { ...signedHead, root: otherDigest } },
      { privacy: null },
    ];
    for (const change of forged) {
      const begin = { ...upload.begin, envelope: { ...upload.begin.envelope, ...change } };
      expect(codeOf(await checkStatement({ ...upload, begin }, statementTerms))).toBe('bad-signature');
    }
    const { signature } = upload.begin;
    const flipped = (signature.startsWith('0') ? '1' : '0') + signature.slice(1);
    const begin = { ...upload.begin, signature: flipped };
    expect(codeOf(await checkStatement({ ...upload, begin }, statementTerms))).toBe('bad-signature');
  });
});
