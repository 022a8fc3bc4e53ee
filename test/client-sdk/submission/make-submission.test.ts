import { describe, expect, it } from 'vitest';
import { makeSubmission } from '../../../client-sdk/submission/make-submission.ts';
import { sha256 } from '../../../shared/digest.ts';
import { signingKeyFromSeed, verifySignature } from '../../../shared/ed25519.ts';
import { asDigest } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { envelopeBytes, envelopeSchema } from '../../../shared/protocol/envelope.ts';
import type { FederationTerms } from '../../../shared/protocol/terms.ts';
import { decodeSafetensors } from '../../../shared/update-format/safetensors.ts';
import { fakeTerms, federation } from '../../support/fake-coordinator.ts';
import { centralTerms } from '../../support/central-terms.ts';

const terms: FederationTerms = {
  ...fakeTerms,
  tensors: [
    { name: 'bias', shape: [2] },
    { name: 'kernel', shape: [2, 2] },
  ],
};
const offer = {
  federation,
  round: 4,
  baseModelDigest: asDigest('cd'.repeat(32)),
  deadlineMs: 1_000,
  checkpoint: 'a note',
};
const checkpoint = { size: 7, root: asDigest('5e'.repeat(32)) };
const update = Float32Array.of(1, -2, 0.5, 3, 4, -0.25);
const key = await signingKeyFromSeed('07'.repeat(32));

describe('makeSubmission', () => {
  it('states what is sent: digest, length, schema, base model, privacy, all under the client’s signature', async () => {
    const { envelope, signature, bytes } = await makeSubmission(update, { offer, terms, key, checkpoint });
    expect(envelopeSchema.parse(envelope)).toEqual(envelope);
    expect(envelope).toMatchObject({
      federation,
      round: 4,
      client: key.clientId,
      baseModelDigest: offer.baseModelDigest,
      updateDigest: await sha256(bytes),
      byteLength: bytes.byteLength,
      schemaDigest: await sha256('[{"name":"bias","shape":[2]},{"name":"kernel","shape":[2,2]}]'),
      checkpoint,
      privacy: { noiseMultiplier: 1, samplingRate: 0.1, clippingNormL2: 1, steps: 4 },
    });
    expect(await verifySignature(key.publicKey, signature, envelopeBytes(envelope))).toBe(true);
    const restated = envelopeBytes({ ...envelope, round: 5 });
    expect(await verifySignature(key.publicKey, signature, restated)).toBe(false);
  });

  it('sends the values as they are, in the canonical order of tensors', async () => {
    const { bytes } = await makeSubmission(update, { offer, terms, key, checkpoint });
    const decoded = decodeSafetensors(bytes, terms.tensors);
    expect(decoded.kind === 'decoded' && [...decoded.values]).toEqual([...update]);
  });

  it('claims no privacy where none is declared', async () => {
    const open = { ...terms, privacy: { mode: 'none' } } as const;
    expect((await makeSubmission(update, { offer, terms: open, key, checkpoint })).envelope.privacy).toBeNull();
  });

  describe('where the coordinator adds the noise', () => {
    const central = { ...terms, privacy: centralTerms };
    const making = () => makeSubmission(update, { offer, terms: central, key, checkpoint });

    it('states on which terms the update is left to it', async () => {
      expect((await making()).envelope.privacy).toEqual({
        noiseBy: 'coordinator',
        noiseMultiplier: 1.5,
        clippingNormL2: 2,
        plannedClients: 4,
      });
    });

    it('salts the bytes, so that their digest on the ledger is no test for guesses at the update', async () => {
      const [one, two] = [await making(), await making()];
      expect(one.envelope.updateDigest).not.toBe(two.envelope.updateDigest);
      for (const { bytes, envelope } of [one, two]) {
        const decoded = decodeSafetensors(bytes, terms.tensors);
        expect(decoded.kind === 'decoded' && [...decoded.values]).toEqual([...update]);
        expect(envelope.byteLength).toBe(one.envelope.byteLength);
      }
    });
  });

  it('never makes the same statement twice, so that none can stand in for another', async () => {
    const [one, two] = [
      await makeSubmission(update, { offer, terms, key, checkpoint }),
      await makeSubmission(update, { offer, terms, key, checkpoint }),
    ];
    expect(one.envelope.updateDigest).toBe(two.envelope.updateDigest);
    expect(one.envelope.nonce).not.toBe(two.envelope.nonce);
    expect(one.signature).not.toBe(two.signature);
  });

  it.each([5, 7])('does not send %i values for a model of 6', async (length) => {
    const making = makeSubmission(new Float32Array(length), { offer, terms, key, checkpoint });
    await expect(making).rejects.toThrow(InvariantError);
    await expect(making).rejects.toThrow(`the trainer returned ${length} values, the model has 6`);
  });
});
