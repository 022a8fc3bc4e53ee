// An invite as a person passes it on: the federation's name, a dot, 256 random bits in hex. The coordinator keeps only
// the digest of the secret.

import { randomHex } from '../bytes.ts';
import { type FederationId, isFederationId } from '../ids.ts';

export interface InviteText {
  readonly federation: FederationId;
  readonly secret: string;
}

const SECRET_BYTES = 32;
const form = /^([^.]+)\.([0-9a-f]{64})$/;

export function newInvite(federation: FederationId): InviteText {
  return { federation, secret: randomHex(SECRET_BYTES) };
}

export function formatInvite({ federation, secret }: InviteText): string {
  return `${federation}.${secret}`;
}

/** Undefined when the text is no invite. */
export function parseInvite(text: string): InviteText | undefined {
  const [, federation, secret] = form.exec(text.trim()) ?? [];
  if (federation === undefined || secret === undefined || !isFederationId(federation)) return undefined;
  return { federation, secret };
}
