// An invite as a person passes it on: the federation's name, 256 random bits in hex, and the key of the federation's
// ledger, between dots. The coordinator keeps only the digest of the secret. Whoever joins with it knows by the key that
// it has reached the coordinator that issued it, and whose history it is to hold it to.

import { randomHex } from '../bytes.ts';
import { type FederationId, isFederationId } from '../ids.ts';

export interface InviteText {
  readonly federation: FederationId;
  readonly secret: string;
  /** Raw Ed25519 key that signs the ledger's checkpoints, hex. */
  readonly ledgerKey: string;
}

const SECRET_BYTES = 32;
const form = /^([^.]+)\.([0-9a-f]{64})\.([0-9a-f]{64})$/;

export function newInvite(federation: FederationId, ledgerKey: string): InviteText {
  return { federation, secret: randomHex(SECRET_BYTES), ledgerKey };
}

export function formatInvite({ federation, secret, ledgerKey }: InviteText): string {
  return `${federation}.${secret}.${ledgerKey}`;
}

/** Undefined when the text is no invite. */
export function parseInvite(text: string): InviteText | undefined {
  const [, federation = '', secret = '', ledgerKey = ''] = form.exec(text.trim()) ?? [];
  return isFederationId(federation) ? { federation, secret, ledgerKey } : undefined;
}
