// Every message of protocol version 1, as schemas: what arrives is unknown until one of these has read it. The
// federation stands in each message, so that one meant for another federation is recognised wherever it lands.

import { z } from 'zod';
import { MAX_CHECKPOINT_LENGTH } from '../ledger/checkpoint.ts';
import { isOrganisationId } from '../ids.ts';
import { clientIdSchema, digestSchema, envelopeSchema, federationIdSchema, roundNumberSchema } from './envelope.ts';
import { isRefusalCode } from './refusals.ts';
import { MAX_SPENT_ROUNDS } from './spent-statement.ts';
import { federationTermsSchema, MAX_ROUNDS } from './terms.ts';

const hex = (characters: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${characters}}$`));
const text = (maxLength: number): z.ZodString => z.string().max(maxLength);
const byteCount = z.number().int().nonnegative();
const durationMs = z.number().nonnegative();
/** A signed tree head of the ledger (shared/ledger/checkpoint.ts). */
const checkpointNote = text(MAX_CHECKPOINT_LENGTH);
/** Hashes of a Merkle proof: at most two for each level of a tree of 2^53 leaves. */
const proofSchema = z.array(digestSchema).max(128);

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
  /** 256 random bits to be signed with the join; good for one join on this socket, for half a minute. */
  challenge: hex(64),
  /** Raw Ed25519 key that signs the ledger's checkpoints. */
  ledgerKey: hex(64),
});

export const joinSchema = z.strictObject({
  ...inFederation,
  /** Raw Ed25519 key. */
  publicKey: hex(64),
  /** For people to read. */
  name: z.string().min(1).max(100),
  /** Origin of the address that the client connected to. */
  audience: text(256),
  /** Only looked at when the key is not enrolled yet. */
  invite: text(256).nullable(),
  /** Over `joinTranscript` (join-transcript.ts). */
  signature: hex(128),
});
export const offerSchema = z.strictObject({
  ...inRound,
  baseModelDigest: digestSchema,
  /** What is left until the round closes. */
  deadlineMs: durationMs,
  /** The newest one; the entry that committed the base model is in it. */
  checkpoint: checkpointNote,
});
export const joinedSchema = z.strictObject({
  kind: z.literal('joined'),
  client: clientIdSchema,
  organisation: z.string().refine(isOrganisationId),
  /** Bearer token for model downloads. */
  token: hex(64),
  tokenExpiresInMs: durationMs,
  terms: federationTermsSchema,
  limits: z.strictObject({ chunkBytes: z.number().int().positive(), chunksInFlight: z.number().int().positive() }),
  /** The newest committed model. */
  modelDigest: digestSchema,
  /** The newest one of the ledger. */
  checkpoint: checkpointNote,
  /** When to come back, where a round is under way without this client: nothing will be asked of it before. */
  comeBackInMs: durationMs.nullable(),
  /** Rounds that the coordinator has charged to this client: spent, whatever a restored folder remembers. */
  chargedRounds: z.array(roundNumberSchema).max(MAX_ROUNDS).exactOptional(),
  /**
   * Where a backup of the coordinator was restored: the rounds that count against this client there, or will when they
   * end. It states (`spent-rounds`) those that it has spent besides. Left out where nothing can have been forgotten.
   */
  countedRounds: z.array(roundNumberSchema).max(MAX_ROUNDS).exactOptional(),
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

/** What the ledger's owner has to show for a checkpoint of its own. */
export const ledgerProofRequestSchema = z.strictObject({
  ...inFederation,
  /** Number of entries under the checkpoint that is to be proved. */
  size: byteCount,
  /** The last checkpoint that the client holds, as it was signed; null where it holds none. */
  held: checkpointNote.nullable(),
  /** A model whose commit is to be proved; null for none. */
  model: digestSchema.nullable(),
});
export const entryProofSchema = z.strictObject({
  /** The entry's canonical JSON. */
  entry: text(16_384),
  /** From 0. */
  index: byteCount,
  proof: proofSchema,
});
export const ledgerProofSchema = z.strictObject({
  kind: z.literal('ledger-proof'),
  /** That the history of `size` extends the one held; null where it does not. */
  consistency: proofSchema.nullable(),
  /** The newest entry that says that the ledger was restored from a backup; null where there is none. */
  recovered: entryProofSchema.nullable(),
  /** The entry that committed the model; null where none was asked for, or there is none. */
  model: entryProofSchema.nullable(),
});

/** A new bearer token in the place of one that is about to expire. */
export const renewTokenSchema = z.strictObject(inFederation);
export const tokenSchema = z.strictObject({ kind: z.literal('token'), token: hex(64), expiresInMs: durationMs });

const isAscending = (rounds: readonly number[]): boolean =>
  rounds.every((round, i) => i === 0 || round > (rounds[i - 1] ?? round));
export const statedRoundsSchema = z
  .array(roundNumberSchema)
  .min(1)
  .max(MAX_SPENT_ROUNDS)
  .refine(isAscending, 'rounds in ascending order');
/** Spent by the client's own privacy ledger, and not among the `countedRounds` that it was told. Older clients say nothing. */
export const spentRoundsSchema = z.strictObject({
  ...inFederation,
  rounds: statedRoundsSchema,
  /** Over `spentStatementBytes` (spent-statement.ts). */
  signature: hex(128),
});

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
  /** The newest one of the ledger: the round's end is in it. */
  checkpoint: checkpointNote,
});
export const withheldSchema = z.strictObject({
  ...inRound,
  code: refusalCodeSchema,
  /** When to come back; null where no later round will be offered either. */
  comeBackInMs: durationMs.nullable(),
});
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
export type LedgerProofRequest = z.infer<typeof ledgerProofRequestSchema>;
export type EntryProof = z.infer<typeof entryProofSchema>;
export type LedgerProof = z.infer<typeof ledgerProofSchema>;
export type RenewToken = z.infer<typeof renewTokenSchema>;
export type TokenMessage = z.infer<typeof tokenSchema>;
export type SpentRounds = z.infer<typeof spentRoundsSchema>;
export type Decline = z.infer<typeof declineSchema>;
export type Noted = z.infer<typeof notedSchema>;
export type VerdictMessage = z.infer<typeof verdictMessageSchema>;
export type RoundClosed = z.infer<typeof roundClosedSchema>;
export type Withheld = z.infer<typeof withheldSchema>;
export type Finished = z.infer<typeof finishedSchema>;
