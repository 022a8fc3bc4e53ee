// The rows of a cohort, as the calling thread and as workers reach them: values on a SharedArrayBuffer go to workers
// without a copy, values in files are read by whoever computes, in chunks that fit a bound of memory.

import { closeSync, openSync, readSync } from 'node:fs';
import { InvariantError } from '../../../shared/invariant-error.ts';
import type { ColumnRange } from './column-ranges.ts';
import type { FileRow, RowSource } from './kernel.ts';
import type { RowReader } from './shard.ts';

export interface Row {
  readonly source: RowSource;
  /** The same values where every thread can reach them; copied at most once. */
  forWorkers(): RowSource;
}

/** Below this a file is read in pieces too small to be worth a call. */
const LEAST_CHUNK_COLUMNS = 1024;

/** @throws InvariantError where values in memory are not d. */
export function rowOf(source: RowSource, d: number): Row {
  if (!(source instanceof Float32Array)) return { source, forWorkers: () => source };
  if (source.length !== d) throw new InvariantError(`a row of ${source.length} values in a cohort of ${d} columns`);
  if (source.buffer instanceof SharedArrayBuffer) return { source, forWorkers: () => source };
  let shared: Float32Array | null = null;
  return { source, forWorkers: () => (shared ??= sharedCopy(source)) };
}

export function sharedCopy(values: Float32Array): Float32Array {
  const copy = new Float32Array(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}

/** One thread's memory for rows in files, kept from one reader to the next; only one reader may use it at a time. */
export class ReadBuffer {
  #floats = new Float32Array();

  take(length: number): Float32Array {
    if (this.#floats.length < length) this.#floats = new Float32Array(length);
    return this.#floats.subarray(0, length);
  }
}

export interface ReadBounds extends ColumnRange {
  /** Of memory, over all rows in files together. */
  readonly bytes: number;
}

/**
 * Reads the columns of one shard. Whoever asks in ascending columns, tile by tile, has every byte of a file read once.
 * Its `read` throws InvariantError, naming the path, where a file is missing or too short.
 */
export function openReader(rows: readonly RowSource[], bounds: ReadBounds, buffer: ReadBuffer): RowReader {
  const files = rows.filter((row) => !(row instanceof Float32Array)).length;
  const most = Math.max(LEAST_CHUNK_COLUMNS, Math.floor(bounds.bytes / Float32Array.BYTES_PER_ELEMENT / files));
  const columns = Math.max(1, Math.min(most, bounds.to - bounds.from));
  const chunks = buffer.take(files * columns);
  let taken = 0;
  const reads = rows.map((row) => {
    if (row instanceof Float32Array) return fromMemory(row);
    return fromFile(row, bounds.to, chunks.subarray(taken, (taken += columns)));
  });
  return {
    n: rows.length,
    read: (row, from, into) => reads[row]?.(from, into),
  };
}

type Read = (from: number, into: Float32Array) => void;

function fromMemory(row: Float32Array): Read {
  return (from, into) => into.set(row.subarray(from, from + into.length));
}

function fromFile(file: FileRow, to: number, chunk: Float32Array): Read {
  let [start, end] = [0, 0];
  return (from, into) => {
    for (let done = 0; done < into.length;) {
      const at = from + done;
      if (at < start || at >= end) {
        [start, end] = [at, Math.min(Math.max(to, at + 1), at + chunk.length)];
        readColumns(file, at, chunk.subarray(0, end - start));
      }
      const piece = chunk.subarray(at - start, Math.min(end - start, at - start + into.length - done));
      into.set(piece, done);
      done += piece.length;
    }
  };
}

/** Opened for this read alone: a cohort may have more rows than an account may have open files. */
function readColumns({ path, byteOffset }: FileRow, from: number, into: Float32Array): void {
  const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  const start = byteOffset + from * Float32Array.BYTES_PER_ELEMENT;
  const file = orUnreadable(path, () => openSync(path, 'r'));
  try {
    for (let done = 0; done < bytes.length;) {
      const count = orUnreadable(path, () => readSync(file, bytes, done, bytes.length - done, start + done));
      if (count === 0) throw new InvariantError(`${path} ends at byte ${start + done} of ${start + bytes.length}`);
      done += count;
    }
  } finally {
    closeSync(file);
  }
}

function orUnreadable<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw new InvariantError(`${path} cannot be read: ${String(cause)}`, {
      cause,
    });
  }
}
