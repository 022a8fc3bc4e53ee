// Port: what a client has to remember. Losing it means losing the key and, worse, the memory of privacy already spent
// and of the history it holds the coordinator to, so every write is durable when it resolves.

import { z } from 'zod';
import {
  clientIdSchema,
  digestSchema,
  envelopeSchema,
  federationIdSchema,
  roundNumberSchema,
} from '../../shared/protocol/envelope.ts';
import type { FederationId } from '../../shared/ids.ts';
import { privacyTermsSchema, trainingTermsSchema } from '../../shared/protocol/terms.ts';

export const datasetNameSchema = z.string().min(1).max(200);

/** What was released, and on what. */
const release = {
  noiseMultiplier: z.number().nonnegative(),
  samplingRate: z.number().nonnegative(),
  steps: z.number().int().nonnegative(),
  /** Name of the data set, as its owner calls it; null: unnamed, and taken to share examples with all others. */
  dataset: datasetNameSchema.nullable().default(null),
  /** SHA-256 of the examples, where the trainer knows them: the same ones under two names are found by it. */
  examples: digestSchema.nullable().default(null),
};

/** A federation's round. */
const roundEntrySchema = z.strictObject({
  ...release,
  federation: federationIdSchema,
  round: roundNumberSchema,
  /** Present where the round's noise covers the whole client (central privacy), and not one example of it. */
  unit: z.literal('client').exactOptional(),
  /** Reserved before training; spent, as a whole and for good, when the first byte is about to leave. */
  state: z.enum(['reserved', 'spent']),
  /** Whose round it is, where several clients share a privacy ledger; null: of the folder's own client. */
  client: clientIdSchema.nullable().default(null),
});
export type RoundEntry = z.infer<typeof roundEntrySchema>;

/** A fit without a federation, and so without a client: no client's rounds can be taken for it, nor it for theirs. */
const fitEntrySchema = z.strictObject({
  ...release,
  /** Random, 16 bytes in hex. */
  fit: z.string().regex(/^[0-9a-f]{32}$/),
  /** From before the first step on: all planned steps count, until the fit has ended and fewer were begun. */
  state: z.literal('spent'),
});
export type FitEntry = z.infer<typeof fitEntrySchema>;

export const privacyLedgerEntrySchema = z.union([roundEntrySchema, fitEntrySchema]);
export type PrivacyLedgerEntry = z.infer<typeof privacyLedgerEntrySchema>;

/** An update as it is sent, and sent again: the same bytes under the same signature. */
export const submissionSchema = z.strictObject({ envelope: envelopeSchema, signature: z.string() });
export interface Submission extends z.infer<typeof submissionSchema> {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What the client holds a federation's coordinator to. */
export const ledgerMemorySchema = z.strictObject({
  /** Raw Ed25519 key that signs the ledger's checkpoints, hex. */
  ledgerKey: z.string().regex(/^[0-9a-f]{64}$/),
  /** The last checkpoint taken, as it was signed. */
  checkpoint: z.string(),
  /** Hash of the newest entry that said a backup was restored, as far as it was shown: it excuses nothing twice. */
  recovery: digestSchema.nullable(),
  /** Highest index, from 0, of an entry that proved a model committed: no model of an older commit is taken. */
  newestCommit: z.number().int().nonnegative().nullable(),
});
export type LedgerMemory = z.infer<typeof ledgerMemorySchema>;

/** What of a federation's terms decides what a round costs: as it was at the first join, and is to stay. */
export const acceptedTermsSchema = z.strictObject({ training: trainingTermsSchema, privacy: privacyTermsSchema });
export type AcceptedTerms = z.infer<typeof acceptedTermsSchema>;

/** The part of it that clients and trainers over the same examples may share. */
export interface PrivacyLedgerStore {
  privacyLedger(): Promise<readonly PrivacyLedgerEntry[]>;
  writePrivacyLedger(entries: readonly PrivacyLedgerEntry[]): Promise<void>;
  /** Runs `act` while nobody else, in this process or another, reads the privacy ledger in order to write it. */
  withPrivacyLedger<T>(act: () => Promise<T>): Promise<T>;
}

export interface ClientStore extends PrivacyLedgerStore {
  /** The private key's 32 bytes in hex: made at the first call, the same ever after. */
  privateKey(): Promise<string>;
  /** Undefined before the first join. */
  acceptedTerms(federation: FederationId): Promise<AcceptedTerms | undefined>;
  writeAcceptedTerms(federation: FederationId, terms: AcceptedTerms): Promise<void>;
  /** Undefined before the first checkpoint of the federation's ledger was taken. */
  ledgerMemory(federation: FederationId): Promise<LedgerMemory | undefined>;
  writeLedgerMemory(federation: FederationId, memory: LedgerMemory): Promise<void>;
  submission(federation: FederationId, round: number): Promise<Submission | undefined>;
  writeSubmission(submission: Submission): Promise<void>;
  /** Drops every submission of the federation but that of `round`. */
  dropSubmissionsExcept(federation: FederationId, round: number | null): Promise<void>;
}
