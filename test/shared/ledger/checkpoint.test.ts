import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signingKeyFromSeed } from '../../../shared/ed25519.ts';
import { asDigest, asFederationId } from '../../../shared/ids.ts';
import { MAX_CHECKPOINT_LENGTH, openCheckpoint, originOf, signCheckpoint } from '../../../shared/ledger/checkpoint.ts';
import { leafOf } from './reference-tree.ts';
import { fc } from '../../support/properties.ts';

const signer = await signingKeyFromSeed('07'.repeat(32));
const stranger = await signingKeyFromSeed('08'.repeat(32));
const origin = originOf(asFederationId('digits'));
const key = { origin, publicKey: signer.publicKey };
const root = leafOf('the root');
const root64 = Buffer.from(root, 'hex').toString('base64');
const head = { size: 12, root };
const text = `${origin}\n12\n${root64}\n`;
const note = await signCheckpoint(head, { origin, ...signer });
const notByKey = await signCheckpoint(head, { origin, ...stranger });
const line = note.slice(text.length + 1);

const privateKey = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${'07'.repeat(32)}`, 'hex'),
  format: 'der',
  type: 'pkcs8',
});
const keyId = (name: string, publicKey: string): Buffer =>
  createHash('sha256').update(`${name}\n\u0001`).update(Buffer.from(publicKey, 'hex')).digest().subarray(0, 4);
const signatureLine = (name: string, id: Uint8Array, signature: Uint8Array): string =>
  `— ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`;
/** Any text at all, well signed by the right key under the right name. */
const signed = (any: string): string =>
  `${any}\n${signatureLine(origin, keyId(origin, key.publicKey), sign(null, Buffer.from(any), privateKey))}`;

const refused = { kind: 'refused', refusal: { code: 'bad-checkpoint' } };
const opened = { kind: 'checkpoint', ...head };

describe('a checkpoint', () => {
  it('is opened as it was signed, by any federation, of any size and root', async () => {
    const federation = fc.stringMatching(/^[a-z][a-z0-9-]{0,63}$/).map(asFederationId);
    const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map(asDigest);
    await fc.assert(
      fc.asyncProperty(federation, fc.maxSafeNat(), digest, async (name, size, ofRoot) => {
        const by = { origin: originOf(name), ...signer };
        const written = await signCheckpoint({ size, root: ofRoot }, by);
        expect(await openCheckpoint(written, by)).toMatchObject({ kind: 'checkpoint', size, root: ofRoot });
      }),
      { numRuns: 50 },
    );
  });

  it('is a note of three lines, a blank one and the signature of those three with their line feeds', () => {
    expect(note.startsWith(`${text}\n— muster/digits `)).toBe(true);
    const signature = Buffer.from(line.trimEnd().split(' ')[2] ?? '', 'base64');
    expect(signature.subarray(0, 4)).toEqual(keyId(origin, key.publicKey));
    const x = Buffer.from(key.publicKey, 'hex').toString('base64url');
    const theirs = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(verify(null, Buffer.from(text), theirs, signature.subarray(4))).toBe(true);
    expect(signed(text)).toBe(note);
  });

  it.each([
    ['sum.golang.org', '033de0ae', 'Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'],
    ['PeterNeumann', 'c74f20a3', 'ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'],
  ])('names the key of %s by its published id', async (name, id, typeAndKey) => {
    const publicKey = Buffer.from(typeAndKey, 'base64').subarray(1).toString('hex');
    const by = { origin: name, publicKey, sign: () => Promise.resolve('00'.repeat(64)) };
    const written = await signCheckpoint(head, by);
    const signature = written.trimEnd().split(' ').at(-1) ?? '';
    expect(Buffer.from(signature, 'base64').subarray(0, 4).toString('hex')).toBe(id);
  });

  it('may be of the empty ledger', async () => {
    const empty = { size: 0, root: asDigest(createHash('sha256').digest('hex')) };
    const written = await signCheckpoint(empty, { origin, ...signer });
    expect(written.split('\n')[1]).toBe('0');
    expect(await openCheckpoint(written, key)).toMatchObject({ kind: 'checkpoint', ...empty });
  });

  it('is refused with any one character changed, left out or put in', async () => {
    const letter = fc.oneof(
      fc.constantFrom(...note.split(''), '\r', '\t', '\0', 'w', 'é'),
      fc.string({ minLength: 1, maxLength: 1 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: note.length - 1 }), letter, fc.constantFrom(0, 1), async (at, put, over) => {
        const changed = note.slice(0, at) + put + note.slice(at + over);
        fc.pre(changed !== note);
        expect(await openCheckpoint(changed, key)).toMatchObject(refused);
        expect(await openCheckpoint(note.slice(0, at) + note.slice(at + 1), key)).toMatchObject(refused);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['of another origin', signed(text.replace('digits', 'other'))],
    ['of no origin', signed(text.replace(origin, ''))],
    ['without an origin line', signed(text.slice(origin.length + 1))],
    ['with a size of more digits', signed(text.replace('12', '012'))],
    ['with a size of 00', signed(text.replace('12', '00'))],
    ['with a signed size', signed(text.replace('12', '+12'))],
    ['with a negative size', signed(text.replace('12', '-12'))],
    ['with a power', signed(text.replace('12', '1e3'))],
    ['with a broken size', signed(text.replace('12', '1.5'))],
    ['with a hexadecimal size', signed(text.replace('12', '0x12'))],
    ['with no size', signed(text.replace('12', ''))],
    ['with a size beyond safe integers', signed(text.replace('12', '9007199254740992'))],
    ['with an endless size', signed(text.replace('12', '9'.repeat(400)))],
    ['with a root of 31 bytes', signed(`${origin}\n12\n${Buffer.alloc(31, 1).toString('base64')}\n`)],
    ['with a root of 33 bytes', signed(`${origin}\n12\n${Buffer.alloc(33, 1).toString('base64')}\n`)],
    ['with a root without padding', signed(text.replace('=', ''))],
    ['with a root in base64url', signed(`${origin}\n12\n${Buffer.alloc(32, 255).toString('base64url')}=\n`)],
    ['with a root whose last bits are not 0', signed(`${origin}\n12\n${'A'.repeat(42)}B=\n`)],
    ['with a root in hexadecimal', signed(`${origin}\n12\n${root}\n`)],
    ['with an extension line', signed(`${text}more\n`)],
    ['with a blank line in its text', signed(`${text}\n`)],
    ['with carriage returns', signed(text.replaceAll('\n', '\r\n'))],
    ['whose line does not end', note.slice(0, -1)],
    ['with a blank line at its end', `${note}\n`],
    ['with two blank lines', `${text}\n\n${line}`],
    ['with a second text', `${note}\n${note}`],
    ['with no signature', `${text}\n`],
    ['with a text alone', text],
    ['with an empty line of signature', `${text}\n\n`],
    ['of nothing', ''],
    ['with a line that is no signature', `${note}thank you\n`],
    ['with a hyphen for the dash', note.replace('—', '-')],
    ['with a signature that is not base64', `${note}— someone %%%%\n`],
    ['with a signature of half a byte', `${note}— someone QUJDR\n`],
    ['with a signature whose last bits are not 0', `${note}— someone ${'A'.repeat(90)}B=\n`],
    ['with a signature of one byte whose last bits are not 0', `${note}— someone AAAAAB==\n`],
    ['with a name that holds a plus', `${note}— some+one QUJDREVG\n`],
    ['with a name that holds a control character', `${note}— some\u0007one QUJDREVG\n`],
    ['with a second, wrong signature', note + signatureLine(origin, keyId(origin, key.publicKey), Buffer.alloc(64))],
    ['with a wrong signature', `${text}\n${signatureLine(origin, keyId(origin, key.publicKey), Buffer.alloc(64))}`],
    ['with a short signature', `${text}\n${signatureLine(origin, keyId(origin, key.publicKey), Buffer.alloc(63))}`],
    ['with an id alone', `${text}\n${signatureLine(origin, keyId(origin, key.publicKey), Buffer.alloc(0))}`],
    ['with the signature of another text', `${text.replace('12', '13')}\n${line}`],
    ['signed under another name', note.replace('— muster/digits', '— muster/other')],
    ['signed by another key', notByKey],
  ])('is refused %s', async (_, damaged) => {
    const outcome = await openCheckpoint(damaged, key);
    expect(outcome).toMatchObject(refused);
    if (outcome.kind !== 'refused') return;
    const { expected, found, hint } = outcome.refusal;
    expect([expected, found, hint].every((part) => (part ?? '') !== '')).toBe(true);
    expect(JSON.stringify(outcome).length).toBeLessThan(800);
  });

  it('is opened past the signatures of other keys, be they of the same name or the same id', async () => {
    const { publicKey } = stranger;
    const others = [
      signatureLine('witness.example/α', Buffer.of(1, 2, 3, 4), Buffer.alloc(72)),
      signatureLine(origin, keyId(origin, publicKey), Buffer.alloc(64)),
      signatureLine('muster/other', keyId(origin, key.publicKey), Buffer.alloc(64)),
    ];
    const [before = '', ...after] = others;
    expect(await openCheckpoint(`${text}\n${before}${line}${after.join('')}`, key)).toMatchObject(opened);
    expect(await openCheckpoint(`${text}\n${others.join('')}`, key)).toMatchObject(refused);
  });

  it('has as its note the text and the one line of its key, whatever lines stand around it', async () => {
    const other = signatureLine('free-text-of-anybody', Buffer.of(1, 2, 3, 4), Buffer.alloc(300));
    for (const lines of [line, other + line, line + other, line + line, other + line + other + line]) {
      expect(await openCheckpoint(`${text}\n${lines}`, key)).toHaveProperty('note', note);
    }
  });

  it('is opened with sixteen signatures, and refused beyond its greatest length', async () => {
    const name = `muster/${'w'.repeat(64)}`;
    const sixteen = signatureLine(name, Buffer.alloc(4), Buffer.alloc(64)).repeat(15) + line;
    expect(await openCheckpoint(`${text}\n${sixteen}`, key)).toMatchObject(opened);
    const filled = (length: number): string => `${note}— ${'w'.repeat(length - note.length - 12)} QUJDREVG\n`;
    expect(filled(MAX_CHECKPOINT_LENGTH)).toHaveLength(MAX_CHECKPOINT_LENGTH);
    expect(await openCheckpoint(filled(MAX_CHECKPOINT_LENGTH), key)).toMatchObject(opened);
    expect(await openCheckpoint(filled(MAX_CHECKPOINT_LENGTH + 1), key)).toMatchObject(refused);
  });

  it('is refused, and is no fault, under what is no key', async () => {
    for (const publicKey of ['', 'zz'.repeat(32), 'ab'.repeat(31), 'ff'.repeat(32)]) {
      expect(await openCheckpoint(note, { origin, publicKey })).toMatchObject(refused);
      const by = { origin, publicKey, sign: signer.sign };
      expect(await openCheckpoint(await signCheckpoint(head, by), by)).toMatchObject(refused);
    }
  });
});
