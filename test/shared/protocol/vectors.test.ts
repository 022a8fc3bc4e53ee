import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fromHex, toHex } from '../../../shared/bytes.ts';
import { sha256 } from '../../../shared/digest.ts';
import { signingKeyFromSeed, verifySignature } from '../../../shared/ed25519.ts';
import { envelopeBytes, envelopeSchema } from '../../../shared/protocol/envelope.ts';
import { joinTranscript } from '../../../shared/protocol/join-transcript.ts';
import { encodeSafetensors } from '../../../shared/update-format/safetensors.ts';
import { schemaText } from '../../../shared/update-format/tensor-schema.ts';
import { pythonWithNumpy } from '../../support/python.ts';

const vectorsSchema = z.strictObject({
  seed: z.string(),
  publicKey: z.string(),
  clientId: z.string(),
  update: z.string(),
  envelope: z.strictObject({ message: envelopeSchema, signed: z.string(), signature: z.string() }),
  join: z.strictObject({
    message: z.strictObject({
      federation: z.string(),
      protocolVersion: z.number(),
      challenge: z.string(),
      publicKey: z.string(),
      name: z.string(),
    }),
    signed: z.string(),
    signature: z.string(),
  }),
});

const pinnedText = readFileSync(new URL('../../oracles/protocol_vectors.json', import.meta.url), 'utf8');
const pinned = vectorsSchema.parse(JSON.parse(pinnedText));
const { envelope, join } = pinned;
const key = await signingKeyFromSeed(pinned.seed);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('a client in another language (test/oracles/protocol_vectors.py)', () => {
  it('has the same key and id from the same seed', () => {
    expect([key.publicKey, key.clientId]).toEqual([pinned.publicKey, pinned.clientId]);
  });

  it('writes the same update file and names it by the same digests', async () => {
    const schema = [{ name: 'b', shape: [2] }];
    const bytes = encodeSafetensors(schema, Float32Array.from([1.5, -0.1]));
    expect(toHex(bytes)).toBe(pinned.update);
    const { updateDigest, byteLength, schemaDigest } = envelope.message;
    expect([await sha256(bytes), bytes.byteLength]).toEqual([updateDigest, byteLength]);
    expect(await sha256(schemaText(schema))).toBe(schemaDigest);
  });

  it.each([
    ['an envelope', envelopeBytes(envelope.message), envelope],
    ['a join', joinTranscript(join.message), join],
  ])('signs the same bytes of %s, to the same signature', async (_, bytes, { signed, signature }) => {
    expect(text(bytes)).toBe(signed);
    expect(await key.sign(bytes)).toBe(signature);
    expect(await verifySignature(pinned.publicKey, signature, bytes)).toBe(true);
    expect(fromHex(signature)).toHaveLength(64);
  });

  it('still derives the pinned vectors', ({ skip }) => {
    const python = pythonWithNumpy();
    if ('skip' in python) return skip(python.skip);
    const script = fileURLToPath(new URL('../../oracles/protocol_vectors.py', import.meta.url));
    const { stdout } = spawnSync(python.command, [script], { encoding: 'utf8' });
    expect(JSON.parse(stdout)).toEqual(JSON.parse(pinnedText));
  });
});
