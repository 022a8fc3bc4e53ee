// A bundle: one round with all that it takes to check it and to compute its model again, in one zip file. bundle.json
// holds the entries, proofs and texts, blobs/ the models, updates and optimiser state by digest. The same content is the
// same bytes. Reading one takes it for hostile: names, number and sizes are checked before anything is taken out,
// nothing is compressed and nothing is written to disk.

import { unzipSync, zipSync } from 'fflate';
import { z } from 'zod';
import { sha256 } from '../../shared/digest.ts';
import { asDigest, type Digest } from '../../shared/ids.ts';
import { MAX_CHECKPOINT_LENGTH } from '../../shared/ledger/checkpoint.ts';
import { clientIdSchema, digestSchema, federationIdSchema, roundNumberSchema } from '../../shared/protocol/envelope.ts';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import { ledgerKeySchema, parseJson } from './ledger-export.ts';

export const BUNDLE_FORM = 'muster-bundle/1';
export const MAX_BUNDLE_BYTES = 2 ** 31 - 1;
const MAX_TEXT_BYTES = 128 * 1024 * 1024;
const MAX_FILES = 20_100;
const TEXT_NAME = 'bundle.json';
const BLOB_NAME = /^blobs\/[0-9a-f]{64}$/;
/** A tree of 2^53 leaves is no higher. */
const MAX_PROOF_STEPS = 54;

const countSchema = z.number().int().nonnegative();
const proofSchema = z.array(digestSchema).max(MAX_PROOF_STEPS);

const bundleTextSchema = z.strictObject({
  form: z.literal(BUNDLE_FORM),
  federation: federationIdSchema,
  round: roundNumberSchema,
  /** Signed head over the round's end and more: what all proofs lead to. */
  checkpoint: z.string().max(MAX_CHECKPOINT_LENGTH),
  /**
   * By sequence: the founding, every amendment, the enrolments of who was eligible, where the base model comes from, the
   * seed's commitment, and all from the offer to the end of the round without a gap.
   */
  entries: z.array(z.strictObject({ sequence: countSchema, text: z.string(), proof: proofSchema })),
  /** That older heads, such as those which the statements of clients name, are beginnings of the checkpoint's history. */
  consistency: z.array(z.strictObject({ size: countSchema.positive(), root: digestSchema, proof: proofSchema })),
  /** Canonical JSON. */
  record: z.string(),
  /** Canonical JSON. */
  config: z.string(),
  /** Raw Ed25519 keys of the cohort by client id, hex. */
  clients: z.record(clientIdSchema, ledgerKeySchema),
});
export type BundleText = z.infer<typeof bundleTextSchema>;

export interface Bundle {
  readonly kind: 'bundle';
  readonly text: BundleText;
  /** Each under the digest of its own bytes. */
  readonly blobs: ReadonlyMap<Digest, Uint8Array<ArrayBuffer>>;
}

/** What a bundle is made of besides its record. */
export interface BundleExtent {
  /** Of the base model. */
  readonly parent: Digest | null;
  /** False: without the updates, as a round under central privacy leaves for others. */
  readonly withUpdates: boolean;
}

/**
 * Blobs without which a round cannot be computed again. A round that the gate stopped does not say whether its rule began
 * from the step between the base model and its parent.
 */
export function neededBlobs(record: RoundRecord, { parent, withUpdates }: BundleExtent): readonly Digest[] {
  const { baseModel, model, code, updates, aggregation, central, optimiser } = record;
  const reference = code === 'gate-failed' ? parent : (central ?? aggregation)?.reference;
  const inputs = [baseModel, model, reference, central?.aggregate, optimiser.stateBefore];
  const sent = withUpdates ? updates.map(({ update }) => update) : [];
  return [...inputs.flatMap((digest) => digest ?? []), ...sent];
}

export function packBundle({ text, blobs }: Pick<Bundle, 'text' | 'blobs'>): Uint8Array {
  const files: Record<string, Uint8Array> = { [TEXT_NAME]: new TextEncoder().encode(`${JSON.stringify(text)}\n`) };
  for (const [digest, bytes] of [...blobs].sort(([a], [b]) => (a < b ? -1 : 1))) files[`blobs/${digest}`] = bytes;
  // Zip has no time zone and begins in 1980.
  return zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) });
}

/** Refuses bad-bundle. */
export async function unpackBundle(bytes: Uint8Array): Promise<Bundle | Refused> {
  const files = unzipped(bytes);
  if (!files) return noBundle();
  const text = readText(files.get(TEXT_NAME));
  if (isRefused(text)) return text;
  const blobs = new Map<Digest, Uint8Array<ArrayBuffer>>();
  for (const [name, content] of files) {
    if (name === TEXT_NAME) continue;
    const named = asDigest(name.slice('blobs/'.length));
    const digest = await sha256(content);
    if (digest !== named) return badBundle('a blob is not the one its name says', named, digest);
    blobs.set(digest, content);
  }
  return { kind: 'bundle', text, blobs };
}

/** A wrong file is no fraud. */
const noBundle = (): Refused =>
  refuse('bad-bundle', {
    message: 'the file is no bundle',
    expected: `a zip of ${TEXT_NAME} and blobs/, stored and not compressed`,
    found: 'something else',
    hint: 'give the file that muster bundle export wrote, as it was written',
  });

export function badBundle(message: string, expected: string, found: string): Refused {
  const hint = 'do not rely on this round before its coordinator has explained it; keep the bundle as evidence';
  return refuse('bad-bundle', { message, expected: expected.slice(0, 300), found: found.slice(0, 300), hint });
}

/** Undefined for what is no zip of the files expected, each once and stored as it is. */
function unzipped(bytes: Uint8Array): ReadonlyMap<string, Uint8Array<ArrayBuffer>> | undefined {
  const seen = new Set<string>();
  let total = 0;
  try {
    const files = unzipSync(bytes, {
      filter({ name, size, compression }) {
        total += size;
        const isKnown = name === TEXT_NAME ? size <= MAX_TEXT_BYTES : BLOB_NAME.test(name);
        // Thrown, so that a directory of a billion entries is not read to its end.
        if (!isKnown || seen.has(name) || seen.size > MAX_FILES || compression !== 0) throw notExpected;
        // Nor are files taken out that lie over each other.
        if (total > bytes.length) throw notExpected;
        seen.add(name);
        return true;
      },
    });
    return new Map(Object.entries(files).map(([name, content]) => [name, new Uint8Array(content)]));
  } catch {
    return undefined;
  }
}

const notExpected = new Error('not a file of a bundle');

function readText(bytes: Uint8Array | undefined): BundleText | Refused {
  const parsed = bundleTextSchema.safeParse(parseJson(new TextDecoder().decode(bytes)));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const found = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
  return badBundle(`${TEXT_NAME} does not fit its form`, BUNDLE_FORM, found);
}
