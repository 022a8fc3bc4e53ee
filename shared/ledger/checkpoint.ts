// A checkpoint: the head of a ledger's tree as its coordinator signs it, in the text form of C2SP tlog-checkpoint, which
// is a signed note (c2sp.org/tlog-checkpoint, c2sp.org/signed-note): witnesses and other tools read it as it is.
// One head has one text: extension lines, which the form allows, are neither written nor taken.

import { sha256 } from '@noble/hashes/sha2.js';
import { fromBase64, fromHex, toBase64, toHex } from '../bytes.ts';
import { verifySignature } from '../ed25519.ts';
import { asDigest, type Digest, type FederationId } from '../ids.ts';
import { type Refused, refuse } from '../protocol/refusals.ts';

/** How many leaves a tree has and the root over them. */
export interface TreeHead {
  readonly size: number;
  readonly root: Digest;
}

export interface CheckpointSigner {
  /** Raw 32 bytes of an Ed25519 key, hex. */
  readonly publicKey: string;
  /** Hex of 64 bytes. */
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<string>;
}

export interface OpenedCheckpoint extends TreeHead {
  readonly kind: 'checkpoint';
  /** The text and the one line of its key: lines of other keys, which anybody can add, are left out. */
  readonly note: string;
}

/** Whose checkpoint it is: the first line of the note and the name of its key. */
export interface CheckpointKey {
  readonly origin: string;
  /** Raw 32 bytes of an Ed25519 key, hex. */
  readonly publicKey: string;
}

/** A text, with its line feeds, and the line of a signature over it, without. */
interface SignedText {
  readonly text: string;
  readonly line: string;
}

interface NoteSignature {
  readonly line: string;
  readonly name: string;
  /** 4 bytes, hex. */
  readonly keyId: string;
  readonly signature: string;
}

/** Characters; sixteen Ed25519 signatures of names as long as an origin fit. */
export const MAX_CHECKPOINT_LENGTH = 4096;
/** The signature type Ed25519 of signed notes. */
const ED25519 = 1;
const KEY_ID_DIGITS = 8;

// Base64 in its one canonical writing: the bits that fill up the last character are 0.
const headForm = /^([!-~]{1,255})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)\n$/;
const signatureForm =
  /^— ([^\s\p{Cc}+]+) ((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?)$/u;

export function originOf(federation: FederationId): string {
  return `muster/${federation}`;
}

/** The note's text, signed. `origin` is printable ASCII without spaces and plus. */
export async function signCheckpoint(
  head: TreeHead,
  { origin, publicKey, sign }: CheckpointSigner & { readonly origin: string },
): Promise<string> {
  const text = `${origin}\n${head.size}\n${toBase64(fromHex(head.root))}\n`;
  const signature = keyIdOf({ origin, publicKey }) + (await sign(new TextEncoder().encode(text)));
  return `${text}\n— ${origin} ${toBase64(fromHex(signature))}\n`;
}

/**
 * The head that a note states, once it is signed by that key; refused with `bad-checkpoint` otherwise. Signatures of
 * other keys are passed over, as signed notes require.
 */
export async function openCheckpoint(note: string, key: CheckpointKey): Promise<OpenedCheckpoint | Refused> {
  if (note.length > MAX_CHECKPOINT_LENGTH) {
    return malformed({ expected: `at most ${MAX_CHECKPOINT_LENGTH} characters`, found: `${note.length}` });
  }
  const blankLine = note.indexOf('\n\n') + 1;
  const [text, signatureLines] = [note.slice(0, blankLine), note.slice(blankLine + 1)];
  const signatures = parseSignatures(signatureLines);
  if (!signatures) {
    return malformed({ expected: 'a text, one blank line, lines “— name base64”', found: 'something else' });
  }
  const head = parseHead(text, key.origin);
  if (head.kind === 'refused') return head;
  const signed = await verifiedText(text, signatures, key);
  if (signed.kind === 'refused') return signed;
  return { kind: 'checkpoint', size: head.size, root: head.root, note: `${signed.text}\n${signed.line}\n` };
}

function parseHead(text: string, expected: string): (TreeHead & { readonly kind: 'head' }) | Refused {
  const [, origin, size, root] = headForm.exec(text) ?? [];
  if (origin === undefined || size === undefined || root === undefined) {
    return malformed({
      expected: 'lines of an origin, a size without leading zeros and a root of 32 bytes in base64',
      found: 'something else',
    });
  }
  if (origin !== expected) return refuse('bad-checkpoint', { ...anotherLog, expected, found: origin });
  if (!Number.isSafeInteger(Number(size))) {
    return malformed({ expected: `a size of at most ${Number.MAX_SAFE_INTEGER}`, found: size });
  }
  return { kind: 'head', size: Number(size), root: asDigest(toHex(fromBase64(root))) };
}

/** Undefined when a line is not of the form. */
function parseSignatures(lines: string): NoteSignature[] | undefined {
  if (!lines.endsWith('\n')) return undefined;
  const signatures = lines.slice(0, -1).split('\n').map(parseSignature);
  return signatures.every((signature) => signature !== undefined) ? signatures : undefined;
}

function parseSignature(line: string): NoteSignature | undefined {
  const [, name, base64] = signatureForm.exec(line) ?? [];
  if (name === undefined || base64 === undefined) return undefined;
  const hex = toHex(fromBase64(base64));
  return { line, name, keyId: hex.slice(0, KEY_ID_DIGITS), signature: hex.slice(KEY_ID_DIGITS) };
}

/** Every line that names the key has to verify: a note with a wrong one beside a right one was tampered with. */
async function verifiedText(
  text: string,
  signatures: readonly NoteSignature[],
  key: CheckpointKey,
): Promise<(SignedText & { readonly kind: 'signed' }) | Refused> {
  const keyId = keyIdOf(key);
  const own = signatures.filter((signature) => signature.name === key.origin && signature.keyId === keyId);
  const expected = `a signature of ${key.origin} under the key ${key.publicKey}`;
  const [first] = own;
  if (!first) return refuse('bad-checkpoint', { ...anotherLog, expected, found: 'only other keys’' });
  const bytes = new TextEncoder().encode(text);
  const verified = await Promise.all(own.map(({ signature }) => verifySignature(key.publicKey, signature, bytes)));
  return verified.every(Boolean)
    ? { kind: 'signed', text, line: first.line }
    : refuse('bad-checkpoint', { expected, found: 'one that does not verify', hint: tampered });
}

/** First 4 bytes of SHA-256(name || 0x0A || signature type || public key), hex. */
function keyIdOf({ origin, publicKey }: CheckpointKey): string {
  const name = new TextEncoder().encode(`${origin}\n`);
  const hash = sha256.create().update(name).update(Uint8Array.of(ED25519)).update(fromHex(publicKey)).digest();
  return toHex(hash).slice(0, KEY_ID_DIGITS);
}

const tampered = 'do not trust what came with it; fetch the checkpoint again from the coordinator itself';
const anotherLog = { hint: 'compare the federation and the key of its ledger with those that the invite came with' };

function malformed(facts: { readonly expected: string; readonly found: string }): Refused {
  return refuse('bad-checkpoint', { message: 'the ledger checkpoint is not well formed', ...facts, hint: tampered });
}
