// A model by its digest over HTTP: whatever a server or a proxy sends, only bytes of that digest are taken.

import { sha256 } from '../../shared/digest.ts';
import type { Digest, FederationId } from '../../shared/ids.ts';
import { RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import { timeLimit } from '../../shared/time-limit.ts';
import { decodeSafetensors, maxSafetensorsBytes } from '../../shared/update-format/safetensors.ts';
import type { TensorSchema } from '../../shared/update-format/tensor-schema.ts';
import { ConnectionLostError } from './connection-lost-error.ts';

export interface ModelSource {
  readonly url: string;
  readonly federation: FederationId;
  /** Bearer token of the present join. */
  readonly token: string;
  readonly schema: TensorSchema;
  /** Default 120,000. */
  readonly timeoutMs?: number;
}

const DOWNLOAD_TIMEOUT_MS = 120_000;

/** d values in canonical order. @throws RefusedError for other or too many bytes, ConnectionLostError when none come. */
export async function downloadModel(digest: Digest, source: ModelSource, signal: AbortSignal): Promise<Float32Array> {
  const bytes = await fetchBytes(digest, source, signal);
  const found = await sha256(bytes);
  if (found !== digest) throw new RefusedError(refuse('bad-digest', { expected: digest, found }).refusal);
  const decoded = decodeSafetensors(bytes, source.schema);
  if (decoded.kind === 'refused') throw new RefusedError(decoded.refusal);
  return decoded.values;
}

async function fetchBytes(
  digest: Digest,
  { url, federation, token, schema, timeoutMs = DOWNLOAD_TIMEOUT_MS }: ModelSource,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const address = new URL(`/federations/${federation}/models/${digest}`, url);
  const limit = timeLimit(timeoutMs, [signal]);
  try {
    const response = await fetch(address, { headers: { authorization: `Bearer ${token}` }, signal: limit.signal });
    if (!response.ok) {
      await response.body?.cancel();
      throw new ConnectionLostError(`status ${response.status}`);
    }
    return await bodyOf(response, maxSafetensorsBytes(schema));
  } catch (cause) {
    if (cause instanceof RefusedError || signal.aborted) throw cause;
    throw new ConnectionLostError(`${address.pathname}: no model came`, { cause });
  } finally {
    limit.lift();
  }
}

/** Counted as it arrives: a declared length can be left out or untrue. */
async function bodyOf(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const stream: ReadableStream<Uint8Array> | null = response.body;
  const reader = stream?.getReader();
  const bytes = new Uint8Array(maxBytes);
  let byteLength = 0;
  for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read()) {
    if (byteLength + chunk.value.byteLength > maxBytes) {
      await reader?.cancel();
      throw new RefusedError(refuse('too-large', { expected: `a model of at most ${maxBytes} bytes` }).refusal);
    }
    bytes.set(chunk.value, byteLength);
    byteLength += chunk.value.byteLength;
  }
  return bytes.subarray(0, byteLength);
}
