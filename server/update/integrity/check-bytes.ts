// The bytes as received against the statement that announced them: length, digest, tensors, values. Nothing of the
// update is read as numbers before its names and shapes are the model's own.

import { sha256 } from '../../../shared/digest.ts';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import { decodeInPlace } from '../../../shared/update-format/safetensors.ts';
import type { TensorSchema } from '../../../shared/update-format/tensor-schema.ts';
import { firstNonFinite, magnitudes } from '../../../shared/vector/vector.ts';
import type { IntactUpdate, ReceivedUpdate } from '../stages.ts';

export async function checkBytes(
  { announced, bytes }: ReceivedUpdate,
  schema: TensorSchema,
): Promise<IntactUpdate | Refused> {
  const { byteLength, updateDigest } = announced.envelope;
  if (bytes.byteLength !== byteLength) {
    return refuse('bad-length', { expected: `${byteLength} bytes`, found: `${bytes.byteLength} bytes` });
  }
  const digest = await sha256(bytes);
  if (digest !== updateDigest) return refuse('bad-digest', { expected: updateDigest, found: digest });
  const decoded = decodeInPlace(bytes, schema);
  if (decoded.kind === 'refused') return decoded;
  const { values } = decoded;
  const measured = magnitudes(values);
  if (!Number.isFinite(measured.normL2)) return notFinite(values);
  return { kind: 'intact', announced, bytes, values, magnitudes: measured };
}

function notFinite(values: Float32Array): Refused {
  const at = firstNonFinite(values);
  return refuse('not-finite', { expected: 'finite values', found: `${values[at]} at ${at}` });
}
