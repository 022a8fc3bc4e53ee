// Hexadecimal is how keys, signatures and digests are written everywhere: one form, greppable, sortable. Base64 (RFC
// 4648, section 4) is for the formats of others that ask for it.

/** Lower-case, two characters a byte. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The caller has checked the form: pairs that are not hexadecimal become 0. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCodePoint(byte)).join(''));
}

/** Padding may be missing. The caller has checked the form: @throws DOMException for what is not base64. */
export function fromBase64(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.codePointAt(0) ?? 0);
}

export function randomHex(byteLength: number): string {
  return toHex(globalThis.crypto.getRandomValues(new Uint8Array(byteLength)));
}
