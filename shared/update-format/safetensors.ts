// safetensors (huggingface/safetensors, section "Format" of its README): 8 bytes of header length, a JSON header, then
// the values. Float32 only. Decoding checks the whole header against a schema that the reader already holds before any
// value is touched, so that a sender chooses neither the shapes nor how much memory is allocated.

import { z } from 'zod';
import { type Refused, refuse } from '../protocol/refusals.ts';
import { parameterCount, sizeOf, type TensorSchema } from './tensor-schema.ts';

const LENGTH_BYTES = 8;
const BYTES_PER_VALUE = 4;
/** Room for a tensor's header entry beside its name (dtype, shape, offsets, white space) and for metadata. */
const HEADER_BYTES_PER_TENSOR = 256;
const HEADER_BYTES_FIXED = 4096;

const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});
const metadataSchema = z.record(z.string(), z.string()).optional();
type HeaderEntry = z.infer<typeof entrySchema>;

export interface DecodedTensors {
  readonly kind: 'decoded';
  /** All tensors end to end in canonical order. */
  readonly values: Float32Array;
}

/** Values of `schema` in canonical order -> file bytes: the same bytes for the same arguments. */
export function encodeSafetensors(
  schema: TensorSchema,
  values: Float32Array,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(headerText(schema, metadata));
  const bytes = new Uint8Array(LENGTH_BYTES + header.length + values.byteLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, LENGTH_BYTES);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), LENGTH_BYTES + header.length);
  return bytes;
}

/** The largest file that can hold a model of this schema: anything longer is refused before it is received. */
export function maxSafetensorsBytes(schema: TensorSchema): number {
  const names = schema.reduce((sum, tensor) => sum + 6 * tensor.name.length, 0);
  const header = HEADER_BYTES_FIXED + schema.length * HEADER_BYTES_PER_TENSOR + names;
  return LENGTH_BYTES + header + parameterCount(schema) * BYTES_PER_VALUE;
}

/**
 * Into values of their own. Refuses bad-format, unknown-tensor and bad-shape; whether values are finite is not looked at
 * here.
 */
export function decodeSafetensors(bytes: Uint8Array, schema: TensorSchema): DecodedTensors | Refused {
  const header = checkedHeader(bytes, schema);
  return header.kind === 'refused' ? header : { kind: 'decoded', values: gather(header, schema) };
}

/**
 * The same values and refusals, without a copy where the file is laid out as `encodeSafetensors` writes it and lies
 * aligned in memory. For readers of bytes that nobody writes to any more: the values may be those bytes.
 */
export function decodeInPlace(bytes: Uint8Array, schema: TensorSchema): DecodedTensors | Refused {
  const header = checkedHeader(bytes, schema);
  if (header.kind === 'refused') return header;
  return { kind: 'decoded', values: valuesInPlace(header, schema) ?? gather(header, schema) };
}

interface Header {
  readonly kind: 'header';
  readonly entries: ReadonlyMap<string, HeaderEntry>;
  readonly values: Uint8Array;
}

function headerText(schema: TensorSchema, metadata: Readonly<Record<string, string>> | undefined): string {
  const entries: [name: string, entry: unknown][] = metadata ? [['__metadata__', metadata]] : [];
  let offset = 0;
  for (const tensor of schema) {
    const end = offset + sizeOf(tensor) * BYTES_PER_VALUE;
    entries.push([tensor.name, { dtype: 'F32', shape: tensor.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const text = JSON.stringify(Object.fromEntries(entries));
  const byteLength = new TextEncoder().encode(text).length;
  return text + ' '.repeat((LENGTH_BYTES - (byteLength % LENGTH_BYTES)) % LENGTH_BYTES);
}

function checkedHeader(bytes: Uint8Array, schema: TensorSchema): Header | Refused {
  const header = readHeader(bytes, maxSafetensorsBytes(schema) - LENGTH_BYTES);
  if (header.kind === 'refused') return header;
  const { entries } = header;
  return namesComplaint(entries, schema) ?? shapesComplaint(entries, schema) ?? layoutComplaint(header) ?? header;
}

function readHeader(bytes: Uint8Array, maxHeaderBytes: number): Header | Refused {
  if (bytes.byteLength < LENGTH_BYTES) {
    return refuse('bad-format', { expected: 'at least 8 bytes', found: `${bytes.byteLength} bytes` });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const declared = view.getBigUint64(0, true);
  if (declared > BigInt(Math.min(maxHeaderBytes, bytes.byteLength - LENGTH_BYTES))) {
    return refuse('bad-format', { expected: 'a header within the file', found: `a header of ${declared} bytes` });
  }
  const valuesStart = LENGTH_BYTES + Number(declared);
  const entries = parseHeader(bytes.subarray(LENGTH_BYTES, valuesStart));
  if (!entries) return refuse('bad-format', { expected: 'a JSON object of tensors', found: 'something else' });
  return { kind: 'header', entries, values: bytes.subarray(valuesStart) };
}

function parseHeader(bytes: Uint8Array): ReadonlyMap<string, HeaderEntry> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  const entries = new Map<string, HeaderEntry>();
  // Not by a schema: Zod's records leave out a key named __proto__, which would hide a tensor of that name.
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') {
      if (!metadataSchema.safeParse(value).success) return undefined;
      continue;
    }
    const entry = entrySchema.safeParse(value);
    if (!entry.success) return undefined;
    entries.set(name, entry.data);
  }
  return entries;
}

function namesComplaint(entries: ReadonlyMap<string, HeaderEntry>, schema: TensorSchema): Refused | undefined {
  const known = new Set(schema.map((tensor) => tensor.name));
  const extra = [...entries.keys()].find((name) => !known.has(name));
  if (extra !== undefined)
    return refuse('unknown-tensor', { expected: listed(known), found: `also "${printable(extra)}"` });
  const missing = schema.find((tensor) => !entries.has(tensor.name));
  if (missing) return refuse('unknown-tensor', { expected: `"${missing.name}"`, found: listed(entries.keys()) });
  return undefined;
}

function shapesComplaint(entries: ReadonlyMap<string, HeaderEntry>, schema: TensorSchema): Refused | undefined {
  for (const tensor of schema) {
    const entry = entries.get(tensor.name);
    const expected = `${tensor.name}: F32 [${tensor.shape.join(',')}]`;
    const found = `${printable(entry?.dtype ?? 'nothing')} [${entry?.shape.slice(0, 8).join(',') ?? ''}]`;
    const sameShape = entry?.shape.length === tensor.shape.length && tensor.shape.every((n, i) => n === entry.shape[i]);
    if (!sameShape || entry.dtype !== 'F32') return refuse('bad-shape', { expected, found });
  }
  return undefined;
}

/** Tensors must lie side by side in some order, without a hole, an overlap or bytes left over. */
function layoutComplaint(header: Header): Refused | undefined {
  const entries = [...header.entries.values()].sort((a, b) => a.data_offsets[0] - b.data_offsets[0]);
  let end = 0;
  for (const { shape, data_offsets } of entries) {
    const byteLength = sizeOf({ name: '', shape }) * BYTES_PER_VALUE;
    if (data_offsets[0] !== end || data_offsets[1] !== end + byteLength) {
      return refuse('bad-format', {
        expected: `offsets [${end},${end + byteLength}]`,
        found: `[${data_offsets.join(',')}]`,
      });
    }
    end += byteLength;
  }
  if (end === header.values.byteLength) return undefined;
  return refuse('bad-format', { expected: `${end} bytes of values`, found: `${header.values.byteLength}` });
}

/** Undefined where the tensors lie in another order, or not on a float32's boundary. */
function valuesInPlace({ entries, values }: Header, schema: TensorSchema): Float32Array | undefined {
  const starts = schema.map(({ name }) => entries.get(name)?.data_offsets[0] ?? NaN);
  const isInOrder = starts.every((start, i) => i === 0 || start >= (starts[i - 1] ?? NaN));
  if (!isInOrder || values.byteOffset % BYTES_PER_VALUE !== 0) return undefined;
  return new Float32Array(values.buffer, values.byteOffset, values.byteLength / BYTES_PER_VALUE);
}

function gather(header: Header, schema: TensorSchema): Float32Array {
  const values = new Float32Array(parameterCount(schema));
  const target = new Uint8Array(values.buffer);
  let offset = 0;
  for (const tensor of schema) {
    const [from, to] = header.entries.get(tensor.name)?.data_offsets ?? [0, 0];
    target.set(header.values.subarray(from, to), offset);
    offset += to - from;
  }
  return values;
}

const listed = (names: Iterable<string>): string =>
  [...names]
    .slice(0, 8)
    .map((name) => `"${printable(name)}"`)
    .join(', ');

/** A sender's own text is cut short and stripped of control characters before it is repeated in a message. */
const printable = (text: string): string => text.slice(0, 64).replaceAll(/[^\x20-\x7e]/g, '?');
