// Branded identifiers. A string becomes one of these only through its guard, so that a digest can never stand
// where a client id is meant. Guards are the only way in: nowhere else is a string asserted to be an id.

import { InvariantError } from './invariant-error.ts';

/** SHA-256 of bytes, 64 lower-case hexadecimal characters. */
export type Digest = string & { readonly brand: 'Digest' };
/** SHA-256 of a client's raw 32-byte Ed25519 public key, 64 lower-case hexadecimal characters. */
export type ClientId = string & { readonly brand: 'ClientId' };
/** Name of a federation: 1-64 of a-z, 0-9 and '-', starting with a letter. */
export type FederationId = string & { readonly brand: 'FederationId' };
/** Name of the organisation that answers for a client: same form as a federation's. */
export type OrganisationId = string & { readonly brand: 'OrganisationId' };

const hex64 = /^[0-9a-f]{64}$/;
const slug = /^[a-z][a-z0-9-]{0,63}$/;

export const isDigest = (text: string): text is Digest => hex64.test(text);
export const isClientId = (text: string): text is ClientId => hex64.test(text);
export const isFederationId = (text: string): text is FederationId => slug.test(text);
export const isOrganisationId = (text: string): text is OrganisationId => slug.test(text);

/** @throws InvariantError when `text` is not 64 lower-case hexadecimal characters. */
export function asDigest(text: string): Digest {
  if (!isDigest(text)) throw new InvariantError(`expected a SHA-256 in lower-case hex, found "${text}"`);
  return text;
}

/** @throws InvariantError when `text` is not 64 lower-case hexadecimal characters. */
export function asClientId(text: string): ClientId {
  if (!isClientId(text)) throw new InvariantError(`expected a client id in lower-case hex, found "${text}"`);
  return text;
}

/** @throws InvariantError when `text` is not a federation's name. */
export function asFederationId(text: string): FederationId {
  if (!isFederationId(text)) throw new InvariantError(`expected a federation id, found "${text}"`);
  return text;
}

/** @throws InvariantError when `text` is not an organisation's name. */
export function asOrganisationId(text: string): OrganisationId {
  if (!isOrganisationId(text)) throw new InvariantError(`expected an organisation id, found "${text}"`);
  return text;
}

/** Order of ids and names wherever order decides a result: by UTF-16 code unit, never by locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
