import { createHash, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { clientIdOf, signingKeyFromSeed, verifySignature } from '../../shared/ed25519.ts';
import { fromHex } from '../../shared/bytes.ts';

/** RFC 8032, section 7.1, tests 1 to 3. */
const vectors = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
];
const [{ seed, publicKey } = { seed: '', publicKey: '' }] = vectors;
const message = new TextEncoder().encode('an envelope');

const flipped = (hex: string, at: number): string => {
  const digit = (Number.parseInt(hex.charAt(at), 16) ^ 1).toString(16);
  return hex.slice(0, at) + digit + hex.slice(at + 1);
};

describe('an Ed25519 key', () => {
  it.each(vectors)('signs as RFC 8032 says: $publicKey', async (vector) => {
    const key = await signingKeyFromSeed(vector.seed);
    expect(key.publicKey).toBe(vector.publicKey);
    expect(await key.sign(fromHex(vector.message))).toBe(vector.signature);
    expect(await verifySignature(vector.publicKey, vector.signature, fromHex(vector.message))).toBe(true);
  });

  it('is named by the SHA-256 of its raw bytes, not of its hexadecimal', async () => {
    const id = createHash('sha256').update(Buffer.from(publicKey, 'hex')).digest('hex');
    expect(await clientIdOf(publicKey)).toBe(id);
    expect((await signingKeyFromSeed(seed)).clientId).toBe(id);
  });

  it('signs so that another implementation verifies it', async () => {
    const key = await signingKeyFromSeed('07'.repeat(32));
    const x = Buffer.from(key.publicKey, 'hex').toString('base64url');
    const theirs = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(verify(null, message, theirs, Buffer.from(await key.sign(message), 'hex'))).toBe(true);
  });
});

describe('a signature', () => {
  it('is good for its message, its key and itself alone', async () => {
    const signature = await (await signingKeyFromSeed(seed)).sign(message);
    const other = (await signingKeyFromSeed('07'.repeat(32))).publicKey;
    const verified = await Promise.all([
      verifySignature(publicKey, signature, message),
      verifySignature(publicKey, signature, message.with(0, 0)),
      verifySignature(other, signature, message),
      ...[0, 1, 63, 64, 100, 127].map((at) => verifySignature(publicKey, flipped(signature, at), message)),
    ]);
    expect(verified).toEqual([true, ...Array.from({ length: 8 }, () => false)]);
  });

  it('is written in small letters alone, as its key is, so that each has one text', async () => {
    const signature = await (await signingKeyFromSeed(seed)).sign(message);
    expect(await verifySignature(publicKey, signature.toUpperCase(), message)).toBe(false);
    expect(await verifySignature(publicKey.toUpperCase(), signature, message)).toBe(false);
  });

  it.each([
    ['too short a signature', publicKey, 'ab'.repeat(63)],
    ['too long a signature', publicKey, 'ab'.repeat(65)],
    ['no signature', publicKey, ''],
    ['too short a key', 'ab'.repeat(31), 'ab'.repeat(64)],
    ['a key that is not hexadecimal', 'zz'.repeat(32), 'ab'.repeat(64)],
    ['a key that is no point', `02${'0'.repeat(62)}`, 'ab'.repeat(64)],
    ['a key of ones', 'ff'.repeat(32), 'ab'.repeat(64)],
  ])('is not good, and no fault, with %s', async (_, key, signature) => {
    expect(await verifySignature(key, signature, message)).toBe(false);
  });
});
