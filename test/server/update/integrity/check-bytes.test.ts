import { describe, expect, it } from 'vitest';
import { checkBytes } from '../../../../server/update/integrity/check-bytes.ts';
import type { ReceivedUpdate } from '../../../../server/update/stages.ts';
import { encodeSafetensors } from '../../../../shared/update-format/safetensors.ts';
import { canonicalOrder, type TensorSpec } from '../../../../shared/update-format/tensor-schema.ts';
import { codeOf } from '../../../support/refusal-code.ts';
import { announcedBy, member, schema, updateFile } from '../../../support/small-federation.ts';
import { fc } from '../../../support/properties.ts';

const anna = await member(1);
const values = [1, -2, 3.5, 0, 5, 6];

/** What arrived under a statement over `announced`. */
async function received(
  bytes: Uint8Array<ArrayBuffer>,
  announced: Uint8Array<ArrayBuffer> = bytes,
): Promise<ReceivedUpdate> {
  return { kind: 'received', announced: await announcedBy(anna, announced), bytes };
}

function fileOf(tensors: readonly TensorSpec[]): Uint8Array<ArrayBuffer> {
  const ordered = canonicalOrder(tensors);
  const length = ordered.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return encodeSafetensors(ordered, new Float32Array(length).fill(0.5));
}

/** The file with its header's text changed, and of the same length. */
function withHeader(bytes: Uint8Array, from: string, to: string): Uint8Array<ArrayBuffer> {
  const text = Buffer.from(bytes).toString('latin1');
  if (!text.includes(from) || from.length !== to.length) throw new Error(`no ${from} to change`);
  return Uint8Array.from(Buffer.from(text.replace(from, to), 'latin1'));
}

describe('the bytes of an update', () => {
  it('are intact when they are what was announced and a file of the model', async () => {
    const bytes = updateFile(values);
    const update = await received(bytes);
    expect(await checkBytes(update, schema)).toEqual({
      kind: 'intact',
      announced: update.announced,
      bytes,
      values: Float32Array.from(values),
      magnitudes: { normL2: Math.sqrt(78.25), maxAbsolute: 6 },
    });
  });

  it('are refused as bad-length when truncated, at whatever byte, or when more than announced', async () => {
    const whole = updateFile(values);
    for (let end = 0; end < whole.byteLength; end += 13) {
      expect(codeOf(await checkBytes(await received(whole.slice(0, end), whole), schema))).toBe('bad-length');
    }
    const longer = Uint8Array.from([...whole, 0]);
    expect(codeOf(await checkBytes(await received(longer, whole), schema))).toBe('bad-length');
  });

  it('are refused as bad-digest with any one bit flipped', async () => {
    const whole = updateFile(values);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 8 * whole.byteLength - 1 }), async (bit) => {
        const flipped = whole.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(codeOf(await checkBytes(await received(flipped, whole), schema))).toBe('bad-digest');
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  it.each<[string, string, readonly TensorSpec[]]>([
    ['an extra tensor', 'unknown-tensor', [...schema, { name: 'backdoor', shape: [3] }]],
    ['an extra tensor that holds nothing', 'unknown-tensor', [...schema, { name: 'backdoor', shape: [0] }]],
    ['an extra tensor of a name that objects know', 'unknown-tensor', [...schema, { name: '__proto__', shape: [0] }]],
    ['a tensor missing', 'unknown-tensor', schema.slice(1)],
    [
      'a renamed tensor',
      'unknown-tensor',
      schema.map(({ name, shape }) => ({ name: name.replace('bias', 'Bias'), shape })),
    ],
    ['another shape', 'bad-shape', schema.map(({ name }) => ({ name, shape: name === 'dense/bias' ? [2] : [4] }))],
    ['a shape turned over', 'bad-shape', schema.map(({ name, shape }) => ({ name, shape: [...shape, 1] }))],
  ])('are refused with %s, as %s', async (_, code, tensors) => {
    expect(codeOf(await checkBytes(await received(fileOf(tensors)), schema))).toBe(code);
  });

  it('are refused as bad-shape with values of another type', async () => {
    const typed = withHeader(updateFile(values), 'F32', 'I32');
    expect(codeOf(await checkBytes(await received(typed), schema))).toBe('bad-shape');
  });

  it('are refused as bad-format when they are no safetensors file', async () => {
    const text = new TextEncoder().encode('PK\u0003\u0004 a zip file, say, or a pickle');
    expect(codeOf(await checkBytes(await received(text), schema))).toBe('bad-format');
  });

  it.each([NaN, Infinity, -Infinity])('are refused as not-finite with %d, wherever it stands', async (value) => {
    for (let at = 0; at < values.length; at++) {
      const outcome = await checkBytes(await received(updateFile(values.with(at, value))), schema);
      expect(outcome).toMatchObject({ refusal: { code: 'not-finite', found: `${value} at ${at}` } });
    }
  });

  it('are held to their names and shapes before a value is looked at', async () => {
    const both = encodeSafetensors(canonicalOrder([{ name: 'backdoor', shape: [6] }]), new Float32Array(6).fill(NaN));
    expect(codeOf(await checkBytes(await received(both), schema))).toBe('unknown-tensor');
  });
});
