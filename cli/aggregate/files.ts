// Updates in safetensors files for `muster aggregate`: the first file says which tensors all of them hold. Each is read
// whole, one after another, and its values are laid where worker threads find them.

import { stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { z } from 'zod';
import { accepted, isRefused, RefusedError, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { decodeInPlace } from '../../shared/update-format/safetensors.ts';
import { canonicalOrder, parameterCount, type TensorSchema } from '../../shared/update-format/tensor-schema.ts';
import { firstNonFinite } from '../../shared/vector/vector.ts';
import { sharedRow } from './rows.ts';
import { readCapped } from '../held-evidence.ts';

export interface TensorFiles {
  readonly schema: TensorSchema;
  /** One for each path, all tensors end to end in canonical order, finite. */
  readonly rows: readonly Float32Array[];
}

/** What one read of Node takes. */
const MAX_FILE_BYTES = 2 ** 31 - 1;
const LENGTH_BYTES = 8;

const shapeSchema = z.looseObject({ shape: z.array(z.number().int().nonnegative()) });

/**
 * `schema`: what they have to hold; null: what the first of them holds.
 * @throws RefusedError naming the file: bad-format, unknown-tensor, bad-shape, not-finite; bad-option for one that cannot
 * be read, and for more than fits into half of the machine's memory.
 */
export async function readTensorFiles(paths: readonly string[], schema: TensorSchema | null): Promise<TensorFiles> {
  await requireMemory(paths);
  const rows: Float32Array[] = [];
  let known = schema;
  for (const path of paths) {
    const bytes = await readCapped(path, MAX_FILE_BYTES);
    known ??= acceptedOf(schemaOf(bytes), path).schema;
    rows.push(acceptedOf(rowOf(bytes, known), path).row);
  }
  return { schema: known ?? [], rows };
}

async function requireMemory(paths: readonly string[]): Promise<void> {
  // A file that is not there is refused when it is read.
  const sizes = await Promise.all(paths.map((path) => stat(path).catch(() => ({ size: 0 }))));
  const total = sizes.reduce((sum, { size }) => sum + size, 0);
  const most = Math.floor(totalmem() / 2);
  if (total <= most) return;
  const facts = { expected: `at most ${most} bytes, half of this machine’s memory`, found: `${total} bytes` };
  throw new RefusedError(refuse('bad-option', { message: 'the files are too large together', ...facts }).refusal);
}

/** The tensors that the header names; whether all else is in order is for decoding to tell. */
function schemaOf(bytes: Uint8Array): { readonly kind: 'schema'; readonly schema: TensorSchema } | Refused {
  const entries = headerEntries(bytes)?.filter(([name]) => name !== '__metadata__');
  const tensors = entries?.flatMap(([name, entry]) => {
    const parsed = shapeSchema.safeParse(entry);
    return parsed.success ? { name, shape: parsed.data.shape } : [];
  });
  if (!tensors || tensors.length !== entries?.length)
    return refuse('bad-format', { expected: 'a safetensors file', found: 'something else', hint: JSON_HINT });
  const schema = canonicalOrder(tensors);
  if (tensors.length > 0 && parameterCount(schema) > 0) return { kind: 'schema', schema };
  return refuse('bad-shape', { expected: 'at least 1 value', found: 'none' });
}

const JSON_HINT = 'updates in JSON are given with --in FILE';

/** Undefined where there is none. A length beyond the file is refused in decoding. */
function headerEntries(bytes: Uint8Array): readonly (readonly [name: string, entry: unknown])[] | undefined {
  try {
    const declared = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
    const text = new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + Number(declared)));
    const header: unknown = JSON.parse(text);
    return typeof header === 'object' && header !== null && !Array.isArray(header) ? Object.entries(header) : undefined;
  } catch {
    return undefined;
  }
}

function rowOf(bytes: Uint8Array, schema: TensorSchema): { readonly row: Float32Array } | Refused {
  const decoded = decodeInPlace(bytes, schema);
  if (isRefused(decoded)) return decoded;
  const at = firstNonFinite(decoded.values);
  if (at >= 0)
    return refuse('not-finite', { expected: 'finite values', found: `${decoded.values[at]} at value ${at}` });
  const row = sharedRow(decoded.values.length);
  row.set(decoded.values);
  return { row };
}

/** @throws RefusedError with the file's name in it. */
function acceptedOf<T extends object>(outcome: T | Refused, path: string): T {
  if (!isRefused(outcome)) return outcome;
  const { found = '', ...refusal } = outcome.refusal;
  return accepted<T>({ kind: 'refused', refusal: { ...refusal, found: `${found} in ${path}` } });
}
