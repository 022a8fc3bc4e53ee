// The text of a ledger row, read back. One schema per kind of event (server/ledger/ledger-event.ts says what they mean):
// a row with a missing, extra or misshapen member is damaged.

import { z } from 'zod';
import { isOrganisationId } from '../../shared/ids.ts';
import { clientIdSchema, digestSchema, federationIdSchema, roundNumberSchema } from '../../shared/protocol/envelope.ts';
import { isRefusalCode } from '../../shared/protocol/refusals.ts';
import type { LedgerEntry, LedgerEvent } from '../ledger/ledger-event.ts';
import { verdictSchema } from '../../shared/protocol/round-record.ts';

const organisationSchema = z.string().refine(isOrganisationId);
const codeSchema = z.string().refine(isRefusalCode);
const countSchema = z.number().int().nonnegative();

export const figuresSchema = z.strictObject({
  maxAbsolute: z.number(),
  normL2: z.number(),
  noiseRatio: z.number().nullable(),
  noiseDeficit: z.number().nullable(),
});

const eventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('federation-founded'), configDigest: digestSchema, model: digestSchema }),
  z.strictObject({ type: z.literal('federation-amended'), configDigest: digestSchema }),
  z.strictObject({ type: z.literal('invite-issued'), organisation: organisationSchema, quota: countSchema }),
  z.strictObject({ type: z.literal('client-enrolled'), client: clientIdSchema, organisation: organisationSchema }),
  z.strictObject({
    type: z.literal('round-offered'),
    round: roundNumberSchema,
    baseModel: digestSchema,
    cohort: z.array(clientIdSchema),
    f: countSchema,
  }),
  z.strictObject({
    type: z.literal('update-announced'),
    round: roundNumberSchema,
    client: clientIdSchema,
    update: digestSchema,
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
    type: z.literal('refused'),
    round: roundNumberSchema.nullable(),
    client: clientIdSchema.nullable(),
    code: codeSchema,
    expected: z.string().optional(),
    found: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('refusals-only-counted'),
    round: roundNumberSchema.nullable(),
    beyond: countSchema,
  }),
  z.strictObject({ type: z.literal('declined'), round: roundNumberSchema, client: clientIdSchema, code: codeSchema }),
  verdictSchema.extend({ type: z.literal('verdict'), round: roundNumberSchema }),
  z.strictObject({
    type: z.literal('round-committed'),
    round: roundNumberSchema,
    baseModel: digestSchema,
    model: digestSchema,
    updates: z.array(z.strictObject({ client: clientIdSchema, update: digestSchema })),
  }),
  z.strictObject({ type: z.literal('round-abandoned'), round: roundNumberSchema, code: codeSchema }),
]) satisfies z.ZodType<LedgerEvent>;

const rowSchema = z.looseObject({ sequence: z.number().int(), federation: federationIdSchema, at: z.iso.datetime() });

export function parseLedgerRow(text: string): LedgerEntry {
  const { sequence, federation, at, ...event } = rowSchema.parse(JSON.parse(text));
  return { sequence, federation, at: new Date(at), event: eventSchema.parse(event) };
}
