// The signed statement that goes with every update. Its bytes are canonical (RFC 8785 behind a domain prefix), so that
// a client in any language can produce them and a signature can never be taken for one over something else.

import { z } from 'zod';
import { canonicalBytes } from '../canonical-json.ts';
import { isClientId, isDigest, isFederationId } from '../ids.ts';
import { PROTOCOL_VERSION } from './version.ts';

export const digestSchema = z.string().refine(isDigest, 'a SHA-256 in lower-case hex');
export const clientIdSchema = z.string().refine(isClientId, 'a client id in lower-case hex');
export const federationIdSchema = z.string().refine(isFederationId, 'a federation id');
export const roundNumberSchema = z.number().int().positive();

const localClaimSchema = z.strictObject({
  noiseMultiplier: z.number().positive(),
  samplingRate: z.number().positive(),
  clippingNormL2: z.number().positive(),
  steps: z.number().int().positive(),
});

/** The update is bare: the client has left clipping and noise to the coordinator, on these terms. */
const centralClaimSchema = z.strictObject({
  noiseBy: z.literal('coordinator'),
  noiseMultiplier: z.number().positive(),
  clippingNormL2: z.number().positive(),
  plannedClients: z.number().int().positive(),
});

/** What the client says of the noise it added, or leaves to the coordinator: the federation's terms to the letter. */
export const privacyClaimSchema = z.union([localClaimSchema, centralClaimSchema]);
export type PrivacyClaim = z.infer<typeof privacyClaimSchema>;

/** A tree head of the ledger: how many entries, and the root of the Merkle tree over them (shared/ledger). */
export const treeHeadSchema = z.strictObject({ size: z.number().int().nonnegative(), root: digestSchema });

export const envelopeSchema = z.strictObject({
  protocolVersion: z.literal(PROTOCOL_VERSION),
  federation: federationIdSchema,
  client: clientIdSchema,
  round: roundNumberSchema,
  baseModelDigest: digestSchema,
  updateDigest: digestSchema,
  byteLength: z.number().int().positive(),
  /** SHA-256 of the canonical text of the tensor schema (update-format/tensor-schema.ts). */
  schemaDigest: digestSchema,
  /** Null where the federation declares no privacy. */
  privacy: privacyClaimSchema.nullable(),
  /** The last ledger checkpoint that the client has seen and checked: whoever rewrites the ledger contradicts it. */
  checkpoint: treeHeadSchema,
  /** 128 random bits in hex. */
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
});
export type Envelope = z.infer<typeof envelopeSchema>;

const DOMAIN = new TextEncoder().encode('muster/update-envelope/v1\n');

/** The bytes that are signed: the domain prefix, then the envelope's canonical JSON. */
export function envelopeBytes(envelope: Envelope): Uint8Array<ArrayBuffer> {
  const body = canonicalBytes(envelope);
  const bytes = new Uint8Array(DOMAIN.length + body.length);
  bytes.set(DOMAIN);
  bytes.set(body, DOMAIN.length);
  return bytes;
}
