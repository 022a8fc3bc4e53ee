// A model by its digest over HTTP: whatever a server or a proxy sends, only bytes of that digest are taken.

import { sha256 } from '../../shared/digest.ts';
import type { Digest, FederationId } from '../../shared/ids.ts';
import { RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import { decodeSafetensors, maxSafetensorsBytes } from '../../shared/update-format/safetensors.ts';
import type { TensorSchema } from '../../shared/update-format/tensor-schema.ts';
import { ConnectionLostError } from './coordinator-connection.ts';

export interface ModelSource {
  readonly url: string;
  readonly federation: FederationId;
  /** Bearer token of the present join. */
  readonly token: string;
  readonly schema: TensorSchema;
}

const DOWNLOAD_TIMEOUT_MS = 120_000;

/** d values in canonical order. @throws RefusedError for other bytes, ConnectionLostError when none come. */
export async function downloadModel(digest: Digest, source: ModelSource, signal: AbortSignal): Promise<Float32Array> {
  const bytes = await fetchBytes(digest, source, AbortSignal.any([signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]));
  const found = await sha256(bytes);
  if (found !== digest) throw new RefusedError(refuse('bad-digest', { expected: digest, found }).refusal);
  const decoded = decodeSafetensors(bytes, source.schema);
  if (decoded.kind === 'refused') throw new RefusedError(decoded.refusal);
  return decoded.values;
}

async function fetchBytes(
  digest: Digest,
  { url, federation, token, schema }: ModelSource,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const address = new URL(`/federations/${federation}/models/${digest}`, url);
  try {
    const response = await fetch(address, { headers: { authorization: `Bearer ${token}` }, signal });
    const declared = Number(response.headers.get('content-length') ?? 0);
    if (!response.ok || declared > maxSafetensorsBytes(schema)) {
      await response.body?.cancel();
      throw new ConnectionLostError(`${address.pathname}: status ${response.status}, ${declared} bytes`);
    }
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    if (cause instanceof ConnectionLostError || signal.aborted) throw cause;
    throw new ConnectionLostError(`${address.pathname}: no answer`, { cause });
  }
}
