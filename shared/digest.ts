import { toHex } from './bytes.ts';
import { asDigest, type Digest } from './ids.ts';

/** SHA-256 through WebCrypto: the same call in Node and browsers, and off the main thread in both. */
export async function sha256(bytes: Uint8Array<ArrayBuffer> | string): Promise<Digest> {
  const input = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  return asDigest(toHex(new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', input))));
}
