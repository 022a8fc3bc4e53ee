import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fromHex, toHex } from '../../../shared/bytes.ts';
import { sha256 } from '../../../shared/digest.ts';
import { signingKeyFromSeed, verifySignature } from '../../../shared/ed25519.ts';
import { asDigest, asFederationId } from '../../../shared/ids.ts';
import { openCheckpoint, originOf, signCheckpoint } from '../../../shared/ledger/checkpoint.ts';
import { entryHash } from '../../../shared/ledger/ledger-hash.ts';
import { verifyConsistency, verifyInclusion } from '../../../shared/ledger/merkle-proofs.ts';
import { MerkleTree } from '../../../shared/ledger/merkle-tree.ts';
import { envelopeBytes, envelopeSchema, treeHeadSchema } from '../../../shared/protocol/envelope.ts';
import { joinTranscript } from '../../../shared/protocol/join-transcript.ts';
import { spentStatementBytes } from '../../../shared/protocol/spent-statement.ts';
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
      audience: z.string(),
      publicKey: z.string(),
      name: z.string(),
    }),
    signed: z.string(),
    signature: z.string(),
  }),
  spent: z.strictObject({
    message: z.strictObject({ federation: z.string(), client: z.string(), rounds: z.array(z.number()) }),
    signed: z.string(),
    signature: z.string(),
  }),
  ledger: z.strictObject({
    seed: z.string(),
    publicKey: z.string(),
    entries: z.array(z.string()),
    hashes: z.array(z.string()),
    held: treeHeadSchema.extend({ note: z.string() }),
    newest: treeHeadSchema.extend({ note: z.string() }),
    consistency: z.array(z.string()),
    inclusion: z.strictObject({ index: z.number(), proof: z.array(z.string()) }),
  }),
});

const pinnedText = readFileSync(new URL('../../oracles/protocol_vectors.json', import.meta.url), 'utf8');
const pinned = vectorsSchema.parse(JSON.parse(pinnedText));
const { envelope, join, spent, ledger } = pinned;
const origin = originOf(asFederationId('digits'));
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
    ['a statement of spent rounds', spentStatementBytes(spent.message), spent],
  ])('signs the same bytes of %s, to the same signature', async (_, bytes, { signed, signature }) => {
    expect(text(bytes)).toBe(signed);
    expect(await key.sign(bytes)).toBe(signature);
    expect(await verifySignature(pinned.publicKey, signature, bytes)).toBe(true);
    expect(fromHex(signature)).toHaveLength(64);
  });

  it('hashes the entries of a ledger to the same leaves and roots', () => {
    expect(ledger.entries.map(entryHash)).toEqual(ledger.hashes);
    const tree = new MerkleTree();
    for (const hash of ledger.hashes) tree.append(asDigest(hash));
    for (const { size, root } of [ledger.held, ledger.newest]) expect(tree.root(size)).toBe(root);
    expect(envelope.message.checkpoint).toEqual({ size: ledger.held.size, root: ledger.held.root });
    expect(tree.consistencyProof(ledger.held.size, ledger.newest.size)).toEqual(ledger.consistency);
    expect(tree.inclusionProof(ledger.inclusion.index, ledger.newest.size)).toEqual(ledger.inclusion.proof);
  });

  it('is convinced by the same proofs', () => {
    const { held, newest, consistency: proof, inclusion } = ledger;
    expect(verifyConsistency({ from: held, to: newest, proof })).toBe(true);
    expect(verifyInclusion({ leaf: entryHash(ledger.entries[inclusion.index] ?? ''), ...newest, ...inclusion })).toBe(
      true,
    );
  });

  it('reads and writes the same checkpoints', async () => {
    const signer = await signingKeyFromSeed(ledger.seed);
    expect(signer.publicKey).toBe(ledger.publicKey);
    const { publicKey, sign } = signer;
    for (const { size, root, note } of [ledger.held, ledger.newest]) {
      expect(await signCheckpoint({ size, root }, { origin, publicKey, sign })).toBe(note);
      expect(await openCheckpoint(note, { origin, publicKey })).toEqual({ kind: 'checkpoint', size, root, note });
    }
  });

  it('still derives the pinned vectors', ({ skip }) => {
    const python = pythonWithNumpy();
    if ('skip' in python) return skip(python.skip);
    const script = fileURLToPath(new URL('../../oracles/protocol_vectors.py', import.meta.url));
    const { stdout } = spawnSync(python.command, [script], { encoding: 'utf8' });
    expect(JSON.parse(stdout)).toEqual(JSON.parse(pinnedText));
  });
});
