// RFC 8785 (JSON Canonicalization Scheme): one value, one sequence of bytes, in any language. Signed statements and
// ledger rows are these bytes. ECMAScript's own number and string forms are the ones the RFC prescribes (3.2.2), so
// only the order of keys is left to us: by UTF-16 code unit (3.2.3).

import { InvariantError } from './invariant-error.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Keys whose value is undefined are left out, as JSON.stringify does. @throws InvariantError on NaN and infinities. */
export function canonicalJson(value: Json): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new InvariantError(`JSON has no number ${value}`);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .flatMap((key) => {
      const member = value[key];
      return member === undefined ? [] : [`${JSON.stringify(key)}:${canonicalJson(member)}`];
    });
  return `{${members.join(',')}}`;
}

export function canonicalBytes(value: Json): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalJson(value));
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
