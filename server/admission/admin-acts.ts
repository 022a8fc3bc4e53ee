// What an admin can ask for and what comes back, as schemas: one entry for each act of Administration. The same for a
// command on the folder and for one that goes through the coordinator.

import { z } from 'zod';
import { isOrganisationId } from '../../shared/ids.ts';
import { clientIdSchema, digestSchema } from '../../shared/protocol/envelope.ts';
import { clientStatuses } from './enrolment-store.ts';
import { inviteStates } from './invite-state.ts';
import { LONGEST_VALIDITY_MS, MOST_CLIENTS_AN_INVITE } from './issue-invite.ts';

/** The first characters of an id (find-by-prefix.ts). */
const prefix = z.string().max(200);
const nothing = z.strictObject({});
const onInvite = z.strictObject({ invite: prefix });
const onClient = z.strictObject({ client: prefix });
/** The admin's own words; null where it gives none. */
const withReason = z.strictObject({ client: prefix, reason: z.string().max(1000).nullable() });
const newInvite = z.strictObject({
  organisation: z.string().refine(isOrganisationId, 'an organisation of a-z, 0-9 and "-"'),
  quota: z.number().int().positive().max(MOST_CLIENTS_AN_INVITE).exactOptional(),
  validForMs: z.number().int().positive().max(LONGEST_VALIDITY_MS).exactOptional(),
});

export const actInputs = {
  invite: newInvite,
  'revoke-invite': onInvite,
  invites: nothing,
  clients: nothing,
  approve: onClient,
  ban: withReason,
  unban: withReason,
  revoke: withReason,
  rotate: onClient,
} as const;

const inviteViewSchema = z.strictObject({
  /** SHA-256 of its secret. */
  id: digestSchema,
  organisation: z.string(),
  quota: z.number(),
  used: z.number(),
  expiresAt: z.iso.datetime(),
  state: z.enum(inviteStates),
  /** The client whose key it is to replace. */
  replaces: clientIdSchema.nullable(),
});

const clientViewSchema = z.strictObject({
  id: clientIdSchema,
  name: z.string(),
  organisation: z.string(),
  status: z.enum(clientStatuses),
  enrolledAt: z.iso.datetime(),
  /** Another client whose name it could be taken for, with the edits between the two names as people see them. */
  looksLike: z.strictObject({ client: clientIdSchema, name: z.string(), distance: z.number().nullable() }).nullable(),
  /** The client whose place it took. */
  predecessor: clientIdSchema.nullable(),
  suspicion: z.number(),
  judged: z.number(),
  reason: z.string().nullable(),
});

const oneClient = z.strictObject({ client: clientViewSchema });
const oneInvite = z.strictObject({ invite: inviteViewSchema });
/** With the text that is passed on, shown once. */
const issued = z.strictObject({ invite: inviteViewSchema, text: z.string() });

export const actResults = {
  invite: issued,
  'revoke-invite': oneInvite,
  invites: z.strictObject({ invites: z.array(inviteViewSchema) }),
  clients: z.strictObject({ clients: z.array(clientViewSchema) }),
  approve: oneClient,
  ban: oneClient,
  unban: oneClient,
  revoke: oneClient,
  rotate: issued,
} as const satisfies Record<ActName, z.ZodType>;

export type ActName = keyof typeof actInputs;
export type ActInput<Name extends ActName> = z.infer<(typeof actInputs)[Name]>;
export type ActResult<Name extends ActName> = z.infer<(typeof actResults)[Name]>;
export type ClientView = z.infer<typeof clientViewSchema>;
export type InviteView = z.infer<typeof inviteViewSchema>;
