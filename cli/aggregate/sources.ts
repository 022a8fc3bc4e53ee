// Where `muster aggregate` takes updates from: one JSON file (or stdin), or safetensors files, each an update named by
// its path.

import { resolve } from 'node:path';
import { RefusedError, refuse, accepted } from '../../shared/protocol/refusals.ts';
import type { TensorSchema } from '../../shared/update-format/tensor-schema.ts';
import { readTensorFiles } from './files.ts';
import { parseUpdates, type UpdatesFile } from './input.ts';
import { readCapped } from '../held-evidence.ts';

/** More would not fit into one string of JavaScript. */
export const MAX_JSON_BYTES = 256 * 1024 * 1024;

export interface AggregatePaths {
  /** safetensors. */
  readonly files: readonly string[];
  /** JSON; `-` is stdin. */
  readonly in?: string | undefined;
  /** safetensors. */
  readonly reference?: string | undefined;
}

export interface AggregateSources extends Omit<UpdatesFile, 'kind'> {
  /** Null where the updates are nothing but numbers. */
  readonly schema: TensorSchema | null;
}

/** @throws RefusedError */
export async function readSources({ files, in: json, reference }: AggregatePaths): Promise<AggregateSources> {
  if ((json === undefined) === (files.length === 0)) throw needsOneSource(json, files);
  const sources = json === undefined ? await tensorSources(files) : await jsonSources(json);
  if (reference === undefined) return sources;
  const { rows, schema } = await readTensorFiles([reference], sources.schema);
  const [row] = rows;
  const [d, found] = [sources.rows[0]?.length, row?.length];
  if (!row || found !== d) throw refused('bad-shape', `${d} values`, `${found} in ${reference}`);
  return { ...sources, reference: row, schema };
}

async function tensorSources(paths: readonly string[]): Promise<AggregateSources> {
  const places = paths.map((path) => resolve(path));
  const again = paths.find((_, i) => places.indexOf(places[i] ?? '') < i);
  if (again !== undefined) throw refused('bad-option', 'every file once', `${again} more than once`);
  const { rows, schema } = await readTensorFiles(paths, null);
  return { rows, schema, ids: paths, reference: null, wish: {} };
}

async function jsonSources(path: string): Promise<AggregateSources> {
  const bytes = path === '-' ? await readAll(process.stdin, MAX_JSON_BYTES) : await readCapped(path, MAX_JSON_BYTES);
  return { ...accepted<UpdatesFile>(parseUpdates(textOf(bytes))), schema: null };
}

/** @throws RefusedError for more than `maxBytes`. */
export async function readAll(stream: AsyncIterable<Uint8Array | string>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    total += bytes.length;
    if (total > maxBytes) throw refused('bad-option', `at most ${maxBytes} bytes`, 'more on stdin');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Empty, which is no JSON, where it is not UTF-8. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return '';
  }
}

function needsOneSource(json: string | undefined, files: readonly string[]): RefusedError {
  const expected = 'updates in safetensors files, or in one JSON file with --in FILE (- is stdin)';
  return refused('bad-option', expected, json === undefined ? 'neither' : `--in ${json} and ${files.join(' ')}`);
}

const refused = (code: 'bad-option' | 'bad-shape', expected: string, found: string): RefusedError =>
  new RefusedError(refuse(code, { expected, found }).refusal);
