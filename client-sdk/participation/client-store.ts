// Port: what a client has to remember. Losing it means losing the key and, worse, the memory of privacy already spent,
// so every write is durable when it resolves.

import { z } from 'zod';
import { envelopeSchema, federationIdSchema, roundNumberSchema } from '../../shared/protocol/envelope.ts';
import type { FederationId } from '../../shared/ids.ts';

export const privacyLedgerEntrySchema = z.strictObject({
  federation: federationIdSchema,
  round: roundNumberSchema,
  noiseMultiplier: z.number().nonnegative(),
  samplingRate: z.number().nonnegative(),
  steps: z.number().int().nonnegative(),
  /** Reserved before training; spent, as a whole and for good, when the first byte is about to leave. */
  state: z.enum(['reserved', 'spent']),
});
export type PrivacyLedgerEntry = z.infer<typeof privacyLedgerEntrySchema>;

/** An update as it is sent, and sent again: the same bytes under the same signature. */
export const submissionSchema = z.strictObject({ envelope: envelopeSchema, signature: z.string() });
export interface Submission extends z.infer<typeof submissionSchema> {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface ClientStore {
  /** The private key's 32 bytes in hex: made at the first call, the same ever after. */
  privateKey(): Promise<string>;
  privacyLedger(): Promise<readonly PrivacyLedgerEntry[]>;
  writePrivacyLedger(entries: readonly PrivacyLedgerEntry[]): Promise<void>;
  submission(federation: FederationId, round: number): Promise<Submission | undefined>;
  writeSubmission(submission: Submission): Promise<void>;
  /** Drops every submission of the federation but that of `round`. */
  dropSubmissionsExcept(federation: FederationId, round: number | null): Promise<void>;
}
