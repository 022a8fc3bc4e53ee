import { describe, expect, it } from 'vitest';
import { isRefused } from '../../../shared/protocol/refusals.ts';
import {
  decodeInPlace,
  decodeSafetensors,
  encodeSafetensors,
  maxSafetensorsBytes,
} from '../../../shared/update-format/safetensors.ts';
import { canonicalOrder, parameterCount, type TensorSchema } from '../../../shared/update-format/tensor-schema.ts';
import { fc } from '../../support/properties.ts';

const schema = canonicalOrder([
  { name: 'w', shape: [2, 2] },
  { name: 'b', shape: [2] },
]);
const values = Float32Array.from([1, 2, 3, 4, 5, 6]);
const b = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
const w = { dtype: 'F32', shape: [2, 2], data_offsets: [8, 24] };

/** A file with any header and body; `declared` is its header's length where it is not the true one. */
function fileWith(
  header: unknown,
  { body = new Uint8Array(24), declared }: { body?: Uint8Array; declared?: bigint } = {},
) {
  const text =
    header instanceof Uint8Array
      ? header
      : new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, declared ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(body, 8 + text.length);
  return bytes;
}

function codeFor(bytes: Uint8Array, of: TensorSchema = schema): string {
  const outcome = decodeSafetensors(bytes, of);
  return isRefused(outcome) ? outcome.refusal.code : outcome.kind;
}

const bitsOf = (floats: Float32Array): Uint32Array => new Uint32Array(floats.slice().buffer);

const names = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  fc.constantFrom('10', '9', '1', 'constructor', '__proto__', 'toString', 'dense/kernel', 'ä', '"', '\\', '\u0000'),
);
const schemas = fc
  .uniqueArray(fc.record({ name: names, shape: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 5,
    selector: ({ name }) => name,
  })
  .map(canonicalOrder);
const models = schemas.chain((tensors) => {
  const length = parameterCount(tensors);
  const bits = fc.array(fc.nat({ max: 2 ** 32 - 1 }), { minLength: length, maxLength: length });
  return fc.record({ tensors: fc.constant(tensors), bits });
});

describe('a safetensors file', () => {
  it('holds any model of any schema to the last bit, NaN payloads included, and fits its bound', () => {
    fc.assert(
      fc.property(models, ({ tensors, bits }) => {
        const floats = new Float32Array(Uint32Array.from(bits).buffer);
        const bytes = encodeSafetensors(tensors, floats);
        expect(bytes.byteLength).toBeLessThanOrEqual(maxSafetensorsBytes(tensors));
        const decoded = decodeSafetensors(bytes, tensors);
        if (isRefused(decoded)) throw new Error(decoded.refusal.message);
        expect([...bitsOf(decoded.values)]).toEqual(bits);
      }),
      { seed: 20260301, numRuns: 300 },
    );
  });

  it('fits its bound however long its names, and however many bytes each character of them takes', () => {
    const tensors = canonicalOrder(
      ['\u0000', '\u0001', '"', 'ä', '漢'].map((name) => ({ name: name.repeat(256), shape: [] })),
    );
    const bytes = encodeSafetensors(tensors, new Float32Array(5));
    expect(bytes.byteLength).toBeGreaterThan(5_000);
    expect(bytes.byteLength).toBeLessThanOrEqual(maxSafetensorsBytes(tensors));
    const controls = canonicalOrder(
      [1, 2, 3, 4, 5].map((n) => ({ name: String.fromCodePoint(n).repeat(256), shape: [] })),
    );
    expect(codeFor(encodeSafetensors(controls, new Float32Array(5)), controls)).toBe('decoded');
  });

  it('is the same bytes for the same arguments, pinned here for writers in other languages', () => {
    const bytes = encodeSafetensors(schema, values, { round: '3' });
    const header =
      '{"__metadata__":{"round":"3"},' +
      '"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' +
      '"w":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect(Buffer.from(bytes).toString('latin1', 8, 8 + padded.length)).toBe(padded);
    expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(BigInt(padded.length));
    const body = bytes.slice(8 + padded.length);
    expect(Buffer.from(body).toString('hex')).toBe('0000803f0000004000004040000080400000a0400000c040');
    expect(encodeSafetensors(schema, values, { round: '3' })).toEqual(bytes);
  });

  it('is read wherever it lies: its values need not be aligned in what came off a socket', () => {
    const bytes = encodeSafetensors(schema, values);
    for (let shift = 0; shift < 8; shift++) {
      const longer = new Uint8Array(bytes.byteLength + 16);
      longer.set(bytes, shift);
      const decoded = decodeSafetensors(longer.subarray(shift, shift + bytes.byteLength), schema);
      expect(decoded).toEqual({ kind: 'decoded', values });
    }
  });

  it('is decoded into values of its own: neither side sees the other change', () => {
    const bytes = encodeSafetensors(schema, values);
    const decoded = decodeSafetensors(bytes, schema);
    bytes.fill(0);
    expect(decoded).toEqual({ kind: 'decoded', values });
  });

  it('is encoded from a part of a larger vector as from one of its own', () => {
    const larger = Float32Array.from([9, ...values, 9]);
    expect(encodeSafetensors(schema, larger.subarray(1, 7))).toEqual(encodeSafetensors(schema, values));
  });

  it('may have its tensors in any order and unaligned, with metadata of its own', () => {
    const body = new Uint8Array(Float32Array.from([3, 4, 5, 6, 1, 2]).buffer);
    const header = {
      w: { ...w, data_offsets: [0, 16] },
      __metadata__: { by: 'me' },
      b: { ...b, data_offsets: [16, 24] },
    };
    for (const text of [JSON.stringify(header), `${JSON.stringify(header)}   `, JSON.stringify(header, null, 1)]) {
      expect(decodeSafetensors(fileWith(text, { body }), schema)).toEqual({ kind: 'decoded', values });
    }
  });
});

describe('a file read in place', () => {
  const order = fc.array(fc.nat(), { minLength: 5, maxLength: 5 });

  /** The model with its tensors in another order in the file, at `shift` bytes from an aligned place. */
  function shuffled(
    tensors: TensorSchema,
    floats: Float32Array,
    { order: keys, shift }: { order: number[]; shift: number },
  ) {
    const starts = tensors.map((_, i) => parameterCount(tensors.slice(0, i)));
    const indices = tensors.map((_, i) => i).sort((i, j) => (keys[i] ?? 0) - (keys[j] ?? 0));
    const parts = indices.map((i) => ({ tensor: tensors.slice(i, i + 1), start: starts[i] ?? 0 }));
    const written = parts.flatMap(({ tensor }) => tensor);
    const moved = Float32Array.from(
      parts.flatMap(({ tensor, start }) => [...floats.subarray(start, start + parameterCount(tensor))]),
    );
    const file = encodeSafetensors(written, moved);
    const longer = new Uint8Array(file.byteLength + 8);
    longer.set(file, shift);
    return longer.subarray(shift, shift + file.byteLength);
  }

  it('has the values of a copy, bit for bit, in whatever order its tensors are and wherever it lies', () => {
    fc.assert(
      fc.property(schemas, order, fc.nat({ max: 7 }), (tensors, keys, shift) => {
        const floats = Float32Array.from({ length: parameterCount(tensors) }, (_, i) => 0.1 * (i + 1));
        const bytes = shuffled(tensors, floats, { order: keys, shift });
        expect(decodeInPlace(bytes, tensors)).toEqual(decodeSafetensors(bytes, tensors));
        expect(decodeInPlace(bytes, tensors)).toEqual({ kind: 'decoded', values: floats });
      }),
      { seed: 12, numRuns: 300 },
    );
  });

  it('is not copied when its tensors are in canonical order and aligned, one or more', () => {
    const one = canonicalOrder([{ name: 'w', shape: [6] }]);
    for (const tensors of [schema, one]) {
      const bytes = encodeSafetensors(tensors, values);
      const decoded = decodeInPlace(bytes, tensors);
      if (isRefused(decoded)) throw new Error(decoded.refusal.message);
      expect(decoded.values.buffer).toBe(bytes.buffer);
    }
  });

  it('is refused as when it is copied, with any one bit of its header flipped or cut off anywhere', () => {
    const bytes = encodeSafetensors(schema, values);
    for (let at = 0; at < bytes.byteLength; at++) {
      const damaged = [bytes.subarray(0, at), bytes.with(at, (bytes[at] ?? 0) ^ 1)];
      for (const file of damaged) expect(decodeInPlace(file, schema)).toEqual(decodeSafetensors(file, schema));
    }
  });
});

describe('a file that is not what it should be', () => {
  it.each<[string, unknown, string]>([
    ['no JSON', '{"b":', 'bad-format'],
    ['nothing', '', 'bad-format'],
    ['a list', [b, w], 'bad-format'],
    ['null', 'null', 'bad-format'],
    ['a number', '7', 'bad-format'],
    [
      'text that is not UTF-8',
      Buffer.from(JSON.stringify({ b, w, __metadata__: { by: 'ÿ' } }), 'latin1'),
      'bad-format',
    ],
    ['deep nesting', '['.repeat(2_000), 'bad-format'],
    ['an entry that is no object', { b, w: 7 }, 'bad-format'],
    ['an entry without offsets', { b, w: { dtype: 'F32', shape: [2, 2] } }, 'bad-format'],
    ['an entry with a field of its own', { b, w: { ...w, more: 1 } }, 'bad-format'],
    ['three offsets', { b, w: { ...w, data_offsets: [8, 24, 24] } }, 'bad-format'],
    ['a negative offset', { b, w: { ...w, data_offsets: [-8, 8] } }, 'bad-format'],
    ['a fractional offset', { b, w: { ...w, data_offsets: [8.5, 24.5] } }, 'bad-format'],
    ['an offset past 2^53', { b, w: { ...w, data_offsets: [8, 2 ** 60] } }, 'bad-format'],
    ['a negative extent', { b, w: { ...w, shape: [-2, -2] } }, 'bad-format'],
    ['metadata that is not text', { b, w, __metadata__: { round: 3 } }, 'bad-format'],
    ['metadata that is no object', { b, w, __metadata__: 'me' }, 'bad-format'],
    ['a hole', { b, w: { ...w, data_offsets: [12, 28] } }, 'bad-format'],
    ['an overlap', { b, w: { ...w, data_offsets: [4, 20] } }, 'bad-format'],
    ['two tensors in one place', { b, w: { ...w, data_offsets: [0, 16] } }, 'bad-format'],
    ['offsets the wrong way round', { b, w: { ...w, data_offsets: [24, 8] } }, 'bad-format'],
    ['offsets out of bounds', { b, w: { ...w, data_offsets: [800, 816] } }, 'bad-format'],
    ['offsets of another length', { b, w: { ...w, data_offsets: [8, 20] } }, 'bad-format'],
    ['an extra tensor', { b, w, x: { dtype: 'F32', shape: [0], data_offsets: [24, 24] } }, 'unknown-tensor'],
    ['a missing tensor', { b }, 'unknown-tensor'],
    ['no tensors', {}, 'unknown-tensor'],
    ['a renamed tensor', { b, W: w }, 'unknown-tensor'],
    ['float64', { b, w: { ...w, dtype: 'F64' } }, 'bad-shape'],
    ['a type in small letters', { b, w: { ...w, dtype: 'f32' } }, 'bad-shape'],
    ['another shape of the same size', { b, w: { ...w, shape: [4] } }, 'bad-shape'],
    ['a further extent of 1', { b, w: { ...w, shape: [2, 2, 1] } }, 'bad-shape'],
    ['a larger shape', { b, w: { ...w, shape: [2, 2 ** 40] } }, 'bad-shape'],
  ])('is refused with %s', (_, header, code) => {
    expect(codeFor(fileWith(header))).toBe(code);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])(
    'hides no tensor under the name %j',
    (name) => {
      const hidden = `{"b":${JSON.stringify(b)},"w":${JSON.stringify(w)},${JSON.stringify(name)}:${JSON.stringify({ ...b, shape: [0], data_offsets: [24, 24] })}}`;
      expect(codeFor(fileWith(hidden))).toBe('unknown-tensor');
    },
  );

  it.each([25n, 10_000n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])(
    'is refused when it declares a header of %d bytes that are not there',
    (declared) => {
      expect(codeFor(fileWith('', { declared }))).toBe('bad-format');
    },
  );

  it('is refused when its header is longer than any of this model can be', () => {
    const header = { b, w, __metadata__: { padding: 'x'.repeat(maxSafetensorsBytes(schema)) } };
    expect(codeFor(fileWith(header))).toBe('bad-format');
  });

  it.each([-8, -1, 1, 8])('is refused with %d bytes more than its tensors hold', (more) => {
    expect(codeFor(fileWith({ b, w }, { body: new Uint8Array(24 + more) }))).toBe('bad-format');
  });

  it('is refused, never thrown at, when it is cut off anywhere', () => {
    const bytes = encodeSafetensors(schema, values, { round: '3' });
    for (let end = 0; end < bytes.byteLength; end++) expect(codeFor(bytes.subarray(0, end))).toBe('bad-format');
  });

  it('is refused or decoded, never thrown at, with any one bit flipped; in its values it is decoded', () => {
    const bytes = encodeSafetensors(schema, values, { round: '3' });
    const valuesStart = bytes.byteLength - values.byteLength;
    const codes = new Set(['decoded', 'bad-format', 'unknown-tensor', 'bad-shape']);
    for (let bit = 0; bit < 8 * bytes.byteLength; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const code = codeFor(flipped);
      expect(codes).toContain(code);
      if (bit >> 3 >= valuesStart) expect(code).toBe('decoded');
    }
  });

  it('is refused or decoded, never thrown at, whatever its bytes are', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => fileWith(text)),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        expect(codeFor(bytes)).not.toBe('decoded');
      }),
    );
  });

  it('is told about without repeating what it chose to say', () => {
    const name = `${'x'.repeat(1_000)}\u001b[2J`;
    const outcome = decodeSafetensors(fileWith({ b, w, [name]: b }), schema);
    if (!isRefused(outcome)) throw new Error('decoded');
    expect(JSON.stringify(outcome).length).toBeLessThan(400);
    const escape = decodeSafetensors(fileWith({ b, w, '\u001b[2J': b }), schema);
    expect(escape).toMatchObject({ refusal: { found: 'also "?[2J"' } });
  });
});
