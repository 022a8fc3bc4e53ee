// Every message of protocol version 1, as schemas: what arrives is unknown until one of these has read it. The
// federation stands in each message, so that one meant for another federation is recognised wherever it lands.

import { z } from 'zod';
import { isOrganisationId } from '../ids.ts';
import { clientIdSchema, digestSchema, envelopeSchema, federationIdSchema, roundNumberSchema } from './envelope.ts';
import { isRefusalCode } from './refusals.ts';
import { federationTermsSchema } from './terms.ts';

const hex = (characters: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${characters}}$`));
const text = (maxLength: number): z.ZodString => z.string().max(maxLength);
const byteCount = z.number().int().nonnegative();

const refusalCodeSchema = z.string().refine(isRefusalCode, 'a code of the refusal catalogue');
export const refusedSchema = z.strictObject({
  kind: z.literal('refused'),
  refusal: z.strictObject({
    code: refusalCodeSchema,
    message: text(1000),
    expected: text(2000).exactOptional(),
    found: text(2000).exactOptional(),
    hint: text(2000).exactOptional(),
  }),
});

const inFederation = { federation: federationIdSchema };
const inRound = { federation: federationIdSchema, round: roundNumberSchema };

// Client -> coordinator, each with an answer.

export const helloSchema = z.strictObject({
  ...inFederation,
  /** All versions that the client speaks. */
  protocolVersions: z.array(z.number().int().nonnegative()).min(1).max(32),
});
export const welcomeSchema = z.strictObject({
  kind: z.literal('welcome'),
  protocolVersion: z.number().int().nonnegative(),
  /** 256 random bits to be signed with the join; good for one join on this socket. */
  challenge: hex(64),
});

export const joinSchema = z.strictObject({
  ...inFederation,
  /** Raw Ed25519 key. */
  publicKey: hex(64),
  /** For people to read. */
  name: z.string().min(1).max(100),
  /** Only looked at when the key is not enrolled yet. */
  invite: text(256).nullable(),
  /** Over `joinTranscript` (join-transcript.ts). */
  signature: hex(128),
});
export const offerSchema = z.strictObject({
  ...inRound,
  baseModelDigest: digestSchema,
  /** What is left until the round closes. */
  deadlineMs: z.number().nonnegative(),
});
export const joinedSchema = z.strictObject({
  kind: z.literal('joined'),
  client: clientIdSchema,
  organisation: z.string().refine(isOrganisationId),
  /** Bearer token for model downloads, good while this socket lives. */
  token: hex(64),
  terms: federationTermsSchema,
  limits: z.strictObject({ chunkBytes: z.number().int().positive(), chunksInFlight: z.number().int().positive() }),
  /** The newest committed model. */
  modelDigest: digestSchema,
  /** The round under way, where this client is in its cohort. */
  offer: offerSchema.nullable(),
  /** True when all rounds have been run. */
  finished: z.boolean(),
});

export const uploadBeginSchema = z.strictObject({ ...inRound, envelope: envelopeSchema, signature: hex(128) });
export const receiptSchema = z.strictObject({
  kind: z.literal('receipt'),
  ...inRound,
  client: clientIdSchema,
  updateDigest: digestSchema,
  stagedAt: z.iso.datetime(),
});
/** Send the bytes from `offset` on. */
export const sendFromSchema = z.strictObject({ kind: z.literal('send-from'), offset: byteCount });

export const uploadChunkSchema = z.strictObject({
  ...inRound,
  offset: byteCount,
  bytes: z.custom<Uint8Array>((bytes) => bytes instanceof Uint8Array),
});
/** All bytes before `offset` have arrived; a chunk that does not start there was not taken. */
export const chunkReceivedSchema = z.strictObject({ kind: z.literal('chunk-received'), offset: byteCount });
export const uploadEndSchema = z.strictObject(inRound);

export const declineSchema = z.strictObject({ ...inRound, code: z.enum(['budget-exhausted', 'replayed']) });
export const notedSchema = z.strictObject({ kind: z.literal('noted') });

// Coordinator -> client, without an answer: a client that misses one learns the same when it joins again.

export const verdictMessageSchema = z.strictObject({
  ...inRound,
  verdict: z.enum(['selected', 'not-selected', 'quarantined', 'refused']),
  code: refusalCodeSchema.nullable(),
});
export const roundClosedSchema = z.strictObject({
  ...inRound,
  state: z.enum(['committed', 'abandoned']),
  /** The newest committed model: the round's own when it was committed. */
  modelDigest: digestSchema,
});
export const withheldSchema = z.strictObject({ ...inRound, code: refusalCodeSchema });
export const finishedSchema = z.strictObject(inFederation);

export type Hello = z.infer<typeof helloSchema>;
export type Welcome = z.infer<typeof welcomeSchema>;
export type Join = z.infer<typeof joinSchema>;
export type Offer = z.infer<typeof offerSchema>;
export type Joined = z.infer<typeof joinedSchema>;
export type UploadBegin = z.infer<typeof uploadBeginSchema>;
export type ReceiptMessage = z.infer<typeof receiptSchema>;
export type SendFrom = z.infer<typeof sendFromSchema>;
export type UploadChunk = z.infer<typeof uploadChunkSchema>;
export type ChunkReceived = z.infer<typeof chunkReceivedSchema>;
export type UploadEnd = z.infer<typeof uploadEndSchema>;
export type Decline = z.infer<typeof declineSchema>;
export type Noted = z.infer<typeof notedSchema>;
export type VerdictMessage = z.infer<typeof verdictMessageSchema>;
export type RoundClosed = z.infer<typeof roundClosedSchema>;
export type Withheld = z.infer<typeof withheldSchema>;
export type Finished = z.infer<typeof finishedSchema>;
