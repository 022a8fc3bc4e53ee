// Whether an invite still lets anybody in: the row and the time in, one word out.

import type { Invite } from './enrolment-store.ts';

/** open: good for another client; the other three let nobody in. */
export const inviteStates = ['open', 'used-up', 'expired', 'revoked'] as const;
export type InviteState = (typeof inviteStates)[number];

export function inviteState({ revoked, expiresAt, used, quota }: Invite, now: Date): InviteState {
  if (revoked) return 'revoked';
  if (used >= quota) return 'used-up';
  return now < expiresAt ? 'open' : 'expired';
}
