import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { asDigest } from '../../../shared/ids.ts';
import * as messages from '../../../shared/protocol/messages.ts';
import { refusalCatalogue, refuse } from '../../../shared/protocol/refusals.ts';
import { beginFor, envelopeFor, member, terms, updateFile } from '../../support/small-federation.ts';

const anna = await member(1);
const [digest, hex64, hex128] = ['d1'.repeat(32), 'ab'.repeat(32), 'ab'.repeat(64)];
const inRound = { federation: 'digits', round: 4 };
const checkpoint = { size: 7, root: asDigest(digest) };
const begin = await beginFor(await envelopeFor(anna, updateFile([1, 2, 3, 4, 5, 6]), { checkpoint }), anna.key);
const note = 'muster/digits\n7\n…';
const entryProof = { entry: '{}', index: 6, proof: [digest, digest] };
const offer = { ...inRound, baseModelDigest: digest, deadlineMs: 59_999.5, checkpoint: note };

/** One good message of each kind, with the fields that may be left out in place. */
const good: readonly (readonly [name: string, schema: z.ZodType, message: object])[] = [
  ['refused', messages.refusedSchema, refuse('bad-shape', { expected: 'a', found: 'b', hint: 'c' })],
  ['hello', messages.helloSchema, { federation: 'digits', protocolVersions: [2, 1] }],
  ['welcome', messages.welcomeSchema, { kind: 'welcome', protocolVersion: 1, challenge: hex64, ledgerKey: hex64 }],
  [
    'join',
    messages.joinSchema,
    {
      federation: 'digits',
      publicKey: hex64,
      name: 'Ward 7',
      audience: 'https://fl.example.org',
      invite: null,
      signature: hex128,
    },
  ],
  ['offer', messages.offerSchema, offer],
  [
    'joined',
    messages.joinedSchema,
    {
      kind: 'joined',
      client: anna.client.id,
      organisation: 'st-mary',
      token: hex64,
      tokenExpiresInMs: 3_600_000,
      terms,
      limits: { chunkBytes: 1024, chunksInFlight: 4 },
      modelDigest: digest,
      checkpoint: note,
      comeBackInMs: 250.5,
      offer,
      finished: false,
    },
  ],
  ['upload-begin', messages.uploadBeginSchema, begin],
  [
    'receipt',
    messages.receiptSchema,
    {
      kind: 'receipt',
      ...inRound,
      client: anna.client.id,
      updateDigest: digest,
      stagedAt: '2026-03-01T12:00:00.123Z',
    },
  ],
  ['send-from', messages.sendFromSchema, { kind: 'send-from', offset: 0 }],
  ['upload-chunk', messages.uploadChunkSchema, { ...inRound, offset: 0, bytes: new Uint8Array(3) }],
  ['chunk-received', messages.chunkReceivedSchema, { kind: 'chunk-received', offset: 3 }],
  ['upload-end', messages.uploadEndSchema, inRound],
  [
    'ledger-proof request',
    messages.ledgerProofRequestSchema,
    { federation: 'digits', size: 9, held: note, model: digest },
  ],
  ['entry proof', messages.entryProofSchema, entryProof],
  [
    'ledger-proof',
    messages.ledgerProofSchema,
    { kind: 'ledger-proof', consistency: [digest], recovered: entryProof, model: entryProof },
  ],
  ['renew-token', messages.renewTokenSchema, { federation: 'digits' }],
  ['token', messages.tokenSchema, { kind: 'token', token: hex64, expiresInMs: 3_600_000 }],
  ['spent-rounds', messages.spentRoundsSchema, { federation: 'digits', rounds: [2, 3, 9], signature: hex128 }],
  ['decline', messages.declineSchema, { ...inRound, code: 'budget-exhausted' }],
  ['noted', messages.notedSchema, { kind: 'noted' }],
  ['verdict', messages.verdictMessageSchema, { ...inRound, verdict: 'refused', code: 'bad-shape' }],
  [
    'round-closed',
    messages.roundClosedSchema,
    { ...inRound, state: 'committed', modelDigest: digest, checkpoint: note },
  ],
  ['round-withheld', messages.withheldSchema, { ...inRound, code: 'budget-exhausted', comeBackInMs: 0 }],
  ['federation-finished', messages.finishedSchema, { federation: 'digits' }],
];

describe.each(good)('the message %s', (_, schema, message) => {
  it('is read as it was sent', () => {
    expect(schema.parse(message)).toEqual(message);
  });

  it('has no field but its own', () => {
    expect(schema.safeParse({ ...message, more: 1 }).success).toBe(false);
  });

  it.each(Object.keys(message))('is none without %s', (name) => {
    const rest = Object.fromEntries(Object.entries(message).filter(([key]) => key !== name));
    expect(schema.safeParse(rest).success).toBe(false);
  });

  it.each(Object.keys(message))('is none with anything odd as %s', (name) => {
    for (const odd of [undefined, NaN, {}, -1, 'x'.repeat(17_000), [[]], Symbol('odd')]) {
      expect(schema.safeParse({ ...message, [name]: odd }).success).toBe(false);
    }
  });

  it('is no list, text or nothing', () => {
    for (const odd of [null, undefined, [message], JSON.stringify(message), 7]) {
      expect(schema.safeParse(odd).success).toBe(false);
    }
  });
});

describe('what messages hold', () => {
  it('reads every code of the catalogue, also without the facts, and no other', () => {
    for (const code of Object.keys(refusalCatalogue)) {
      const refused = { kind: 'refused', refusal: { code, message: 'because' } };
      expect(messages.refusedSchema.parse(refused)).toEqual(refused);
    }
    for (const code of ['', 'toString', 'Banned'])
      expect(messages.refusedSchema.safeParse({ kind: 'refused', refusal: { code, message: '' } }).success).toBe(false);
  });

  it('keeps a list of spent rounds within bounds: in order, each once, and a thousand at most', () => {
    const holds = (rounds: readonly number[]): boolean =>
      messages.spentRoundsSchema.safeParse({ federation: 'digits', rounds, signature: hex128 }).success;
    const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
    expect([upTo(1_000), [7], [1, 100_000]].map(holds)).toEqual([true, true, true]);
    for (const rounds of [upTo(1_001), [], [2, 1], [3, 3], [0], [1.5]]) expect(holds(rounds)).toBe(false);
  });

  it('keeps text that a stranger sends within bounds', () => {
    const audience = 'https://fl.example.org';
    const join = { federation: 'digits', publicKey: hex64, name: 'W', audience, invite: null, signature: hex128 };
    expect(messages.joinSchema.safeParse(join).success).toBe(true);
    expect(messages.joinSchema.safeParse({ ...join, name: 'W'.repeat(101) }).success).toBe(false);
    expect(messages.joinSchema.safeParse({ ...join, name: '' }).success).toBe(false);
    expect(messages.joinSchema.safeParse({ ...join, invite: 'x'.repeat(257) }).success).toBe(false);
    expect(messages.joinSchema.safeParse({ ...join, publicKey: hex64.toUpperCase() }).success).toBe(false);
  });

  it('may hold nothing where nothing was asked for, or is there', () => {
    const nothing = { kind: 'ledger-proof', consistency: null, recovered: null, model: null };
    expect(messages.ledgerProofSchema.parse(nothing)).toEqual(nothing);
    const first = { federation: 'digits', size: 9, held: null, model: null };
    expect(messages.ledgerProofRequestSchema.parse(first)).toEqual(first);
    expect(messages.withheldSchema.safeParse({ ...inRound, code: 'banned', comeBackInMs: null }).success).toBe(true);
  });

  it('reads proofs no longer than a tree is high', () => {
    const proofOf = (length: number): object => ({ ...entryProof, proof: Array.from({ length }, () => digest) });
    expect(messages.entryProofSchema.safeParse(proofOf(128)).success).toBe(true);
    expect(messages.entryProofSchema.safeParse(proofOf(129)).success).toBe(false);
  });

  it('takes bytes as bytes, Node’s Buffer among them, and as nothing else', () => {
    const chunk = { ...inRound, offset: 0 };
    expect(messages.uploadChunkSchema.safeParse({ ...chunk, bytes: Buffer.from('abc') }).success).toBe(true);
    for (const bytes of [[1, 2], 'abc', new ArrayBuffer(3), new Float32Array(3), { length: 3 }])
      expect(messages.uploadChunkSchema.safeParse({ ...chunk, bytes }).success).toBe(false);
  });
});
