// Ed25519 (RFC 8032) through WebCrypto, which Node and browsers share. Keys and signatures travel as hex.

import { fromBase64, fromHex, toHex } from './bytes.ts';
import { sha256 } from './digest.ts';
import { asClientId, type ClientId } from './ids.ts';
import { InvariantError } from './invariant-error.ts';

export interface SigningKey {
  readonly clientId: ClientId;
  /** Raw 32 bytes, hex. */
  readonly publicKey: string;
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<string>;
}

/** ASN.1 around a raw private key: PKCS #8 with the algorithm Ed25519 (RFC 8410, section 7). */
const PKCS8_PREFIX = '302e020100300506032b657004220420';
const publicKeyForm = /^[0-9a-f]{64}$/;
const signatureForm = /^[0-9a-f]{128}$/;

/** `seed`: the 32 random bytes that are the private key, hex. */
export async function signingKeyFromSeed(seed: string): Promise<SigningKey> {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey('pkcs8', fromHex(PKCS8_PREFIX + seed), 'Ed25519', true, ['sign']);
  const publicKey = rawPublicKey((await subtle.exportKey('jwk', key)).x);
  return {
    clientId: await clientIdOf(publicKey),
    publicKey,
    sign: async (bytes) => toHex(new Uint8Array(await subtle.sign('Ed25519', key, bytes))),
  };
}

/** A client's id is the SHA-256 of its raw public key. */
export async function clientIdOf(publicKey: string): Promise<ClientId> {
  return asClientId(await sha256(fromHex(publicKey)));
}

/** False for a wrong signature as well as for one, or a key, that is not of the right form. */
export async function verifySignature(
  publicKey: string,
  signature: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (!publicKeyForm.test(publicKey) || !signatureForm.test(signature)) return false;
  const { subtle } = globalThis.crypto;
  try {
    const key = await subtle.importKey('raw', fromHex(publicKey), 'Ed25519', false, ['verify']);
    return await subtle.verify('Ed25519', key, fromHex(signature), bytes);
  } catch {
    // A public key that is no point of the curve: nobody can have signed under it.
    return false;
  }
}

/** JWK writes the key in base64url. */
function rawPublicKey(x: string | undefined): string {
  if (x === undefined) throw new InvariantError('WebCrypto exported an Ed25519 key without its public part');
  return toHex(fromBase64(x.replaceAll('-', '+').replaceAll('_', '/')));
}
