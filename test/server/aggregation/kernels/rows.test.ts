import type * as FileSystem from 'node:fs';
import { closeSync, openSync, readSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { openReader, ReadBuffer, rowOf } from '../../../../server/aggregation/kernels/rows.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { rowsInFiles, seededRows } from './kernel-world.ts';

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof FileSystem>();
  return { ...fs, openSync: vi.fn(fs.openSync), closeSync: vi.fn(fs.closeSync), readSync: vi.fn(fs.readSync) };
});

const everything = { from: 0, to: 5000, bytes: 2 ** 20 };

it('hands out values on shared memory as they are, and copies others once', () => {
  const shared = new Float32Array(new SharedArrayBuffer(8));
  expect(rowOf(shared, 2).forWorkers()).toBe(shared);
  const own = Float32Array.of(1, 2);
  const row = rowOf(own, 2);
  expect(row.source).toBe(own);
  expect(row.forWorkers()).toEqual(own);
  expect(row.forWorkers()).toHaveProperty('buffer', expect.any(SharedArrayBuffer));
  expect(row.forWorkers()).toBe(row.forWorkers());
});

it('is a fault where a row has not d values', () => {
  expect(() => rowOf(Float32Array.of(1, 2), 3)).toThrow(InvariantError);
});

it.each([4, 5000 * 4, 9999 * 4, 2 ** 20])('reads the values of files through a buffer of %i bytes', (bytes) => {
  const rows = seededRows(3, 5000, 'files');
  const files = rowsInFiles(temporaryFolder(), rows, 13);
  const reader = openReader(files, { ...everything, from: 700, bytes }, new ReadBuffer());
  for (const [from, length] of [
    [700, 64],
    [764, 1500],
    [2264, 2736],
  ] as const)
    for (const row of [0, 1, 2]) {
      const into = new Float32Array(length);
      reader.read(row, from, into);
      expect(into).toEqual(rows[row]?.subarray(from, from + length));
    }
});

it('reads a file before or behind what it holds', () => {
  const [row = new Float32Array()] = seededRows(1, 5000, 'jumps');
  const reader = openReader(rowsInFiles(temporaryFolder(), [row], 0), { ...everything, bytes: 4 }, new ReadBuffer());
  for (const from of [4000, 0, 4999]) {
    const into = new Float32Array(1);
    reader.read(0, from, into);
    expect(into[0]).toBe(row[from]);
  }
});

it('holds no more of files than its buffer', () => {
  const buffer = new ReadBuffer();
  const take = vi.spyOn(buffer, 'take');
  const files = Array.from({ length: 4 }, () => ({ path: 'none', byteOffset: 0 }));
  openReader(files, { from: 0, to: 1_000_000, bytes: 2 ** 20 }, buffer);
  expect(take).toHaveBeenCalledWith(2 ** 18);
});

it('is a fault that names the file which is missing, short or no file', () => {
  const folder = temporaryFolder();
  const read = (path: string) => () =>
    openReader([{ path, byteOffset: 0 }], everything, new ReadBuffer()).read(0, 0, new Float32Array(8));
  const [short] = rowsInFiles(folder, [new Float32Array(4)], 0);
  expect(read(short?.path ?? '')).toThrow(new InvariantError(`${short?.path} ends at byte 16 of 20000`));
  expect(read(`${folder}/none`)).toThrow(InvariantError);
  expect(read(`${folder}/none`)).toThrow(`${folder}/none cannot be read: Error: ENOENT`);
  expect(read(folder)).toThrow(`${folder} cannot be read: Error: EISDIR`);
});

it('reads every byte of a file once where columns are asked for in order, and leaves nothing open', () => {
  const rows = seededRows(2, 5000, 'once');
  const files = rowsInFiles(temporaryFolder(), rows, 0);
  const reader = openReader(files, { ...everything, bytes: 2 * 4 * 1500 }, new ReadBuffer());
  vi.clearAllMocks();
  for (let from = 0; from < 5000; from += 100) for (const row of [0, 1]) reader.read(row, from, new Float32Array(100));
  expect(vi.mocked(readSync).mock.results.reduce((sum, { value }) => sum + Number(value), 0)).toBe(2 * 5000 * 4);
  expect(vi.mocked(closeSync).mock.calls.length).toBe(vi.mocked(openSync).mock.calls.length);
});
