// The text of a ledger row, read back. One schema per kind of event (server/ledger/ledger-event.ts says what they mean):
// a row with a missing, extra or misshapen member is damaged.

import { z } from 'zod';
import { isOrganisationId } from '../../shared/ids.ts';
import {
  clientIdSchema,
  digestSchema,
  envelopeSchema,
  federationIdSchema,
  roundNumberSchema,
} from '../../shared/protocol/envelope.ts';
import { statedRoundsSchema } from '../../shared/protocol/messages.ts';
import { isRefusalCode } from '../../shared/protocol/refusals.ts';
import type { LedgerEntry, LedgerEvent } from '../ledger/ledger-event.ts';
import { verdictSchema } from '../../shared/protocol/round-record.ts';

const organisationSchema = z.string().refine(isOrganisationId);
const codeSchema = z.string().refine(isRefusalCode);
const countSchema = z.number().int().nonnegative();

export const figuresSchema = z.strictObject({
  maxAbsolute: z.number().nullable(),
  normL2: z.number().nullable(),
  noiseRatio: z.number().nullable(),
  noiseDeficit: z.number().nullable(),
});

const eventSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('federation-founded'),
    configDigest: digestSchema,
    model: digestSchema,
    ledgerKey: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  z.strictObject({ type: z.literal('federation-amended'), configDigest: digestSchema }),
  z.strictObject({
    type: z.literal('invite-issued'),
    invite: digestSchema,
    organisation: organisationSchema,
    quota: countSchema,
    expiresAt: z.iso.datetime(),
    replaces: clientIdSchema.nullable(),
  }),
  z.strictObject({ type: z.literal('invite-revoked'), invite: digestSchema }),
  z.strictObject({
    type: z.literal('client-enrolled'),
    client: clientIdSchema,
    organisation: organisationSchema,
    invite: digestSchema,
    status: z.enum(['active', 'pending']),
    looksLike: clientIdSchema.nullable(),
  }),
  z.strictObject({ type: z.literal('client-approved'), client: clientIdSchema }),
  z.strictObject({ type: z.literal('client-banned'), client: clientIdSchema, by: z.enum(['admin', 'history']) }),
  z.strictObject({ type: z.literal('client-unbanned'), client: clientIdSchema }),
  z.strictObject({ type: z.literal('client-revoked'), client: clientIdSchema }),
  z.strictObject({
    type: z.literal('key-rotated'),
    client: clientIdSchema,
    successor: clientIdSchema,
    invite: digestSchema,
  }),
  z.strictObject({
    type: z.literal('round-seed-committed'),
    round: roundNumberSchema,
    seedCommitment: digestSchema,
  }),
  z.strictObject({
    type: z.literal('round-offered'),
    round: roundNumberSchema,
    baseModel: digestSchema,
    cohort: z.array(clientIdSchema),
    eligibleDigest: digestSchema,
    f: countSchema,
  }),
  z.strictObject({
    type: z.literal('update-announced'),
    round: roundNumberSchema,
    client: clientIdSchema,
    envelope: envelopeSchema,
    signature: z.string(),
  }),
  z.strictObject({
    type: z.literal('equivocation'),
    round: roundNumberSchema,
    client: clientIdSchema,
    first: digestSchema,
    envelope: envelopeSchema,
    signature: z.string(),
  }),
  z.strictObject({
    type: z.literal('update-staged'),
    round: roundNumberSchema,
    client: clientIdSchema,
    update: digestSchema,
    figures: figuresSchema,
  }),
  z.strictObject({
    type: z.literal('round-charged'),
    round: roundNumberSchema,
    noiseMultiplier: z.number().positive(),
    noiseCommitment: digestSchema,
  }),
  z.strictObject({
    type: z.literal('refused'),
    round: roundNumberSchema.nullable(),
    client: clientIdSchema,
    code: codeSchema,
  }),
  z.strictObject({
    type: z.literal('refusals-counted'),
    round: roundNumberSchema.nullable(),
    client: clientIdSchema.nullable(),
    counts: z.record(codeSchema, countSchema),
  }),
  z.strictObject({ type: z.literal('declined'), round: roundNumberSchema, client: clientIdSchema, code: codeSchema }),
  verdictSchema.extend({ type: z.literal('verdict'), round: roundNumberSchema }),
  z.strictObject({
    type: z.literal('round-committed'),
    round: roundNumberSchema,
    baseModel: digestSchema,
    model: digestSchema,
    optimiserState: digestSchema.nullable(),
    seed: digestSchema,
    record: digestSchema,
  }),
  z.strictObject({
    type: z.literal('round-abandoned'),
    round: roundNumberSchema,
    code: codeSchema,
    seed: digestSchema,
    record: digestSchema,
  }),
  z.strictObject({
    type: z.literal('spent-rounds-stated'),
    client: clientIdSchema,
    rounds: statedRoundsSchema,
    signature: z.string(),
    noiseMultiplier: z.number().positive(),
    samplingRate: z.number().positive(),
    steps: countSchema,
  }),
  z.strictObject({ type: z.literal('checkpoint-disputed'), client: clientIdSchema, checkpoint: z.string() }),
  z.strictObject({ type: z.literal('ledger-recovered'), kept: countSchema, root: digestSchema }),
]) satisfies z.ZodType<LedgerEvent>;

const rowSchema = z.looseObject({
  sequence: z.number().int(),
  federation: federationIdSchema,
  at: z.iso.datetime(),
  previous: digestSchema,
  head: z.number().int(),
});

export function parseLedgerRow(text: string): LedgerEntry {
  const { sequence, federation, at, previous, head, ...event } = rowSchema.parse(JSON.parse(text));
  return { sequence, federation, at: new Date(at), previous, head, event: eventSchema.parse(event) };
}
