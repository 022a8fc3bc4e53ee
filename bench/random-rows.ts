// Updates to aggregate: standard normals, float32, the same for the same shape. Uniform bits through a table would be
// quicker, but rules are measured on what they will see.

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRow } from '../server/aggregation/kernels/kernel.ts';
import { seededRandomSource, standardNormals } from '../shared/random-source.ts';

const BLOCK = 65_536;

/** A block of normals, repeated from a place of the row's own: quick to make, and no two rows alike. */
function fillRow(row: Float32Array, index: number, block: Float32Array): void {
  const start = (index * 7919) % BLOCK;
  for (let k = 0; k < row.length; k++) row[k] = (block[(start + k * (1 + 2 * index)) % BLOCK] ?? NaN) + 1e-3 * (k % 17);
}

const normalBlock = (): Float32Array => Float32Array.from(standardNormals(seededRandomSource(1, 'bench'), BLOCK));

/** On shared memory, as received updates lie. */
export function randomRows(n: number, d: number): readonly Float32Array[] {
  const block = normalBlock();
  return Array.from({ length: n }, (_, index) => {
    const row = new Float32Array(new SharedArrayBuffer(4 * d));
    fillRow(row, index, block);
    return row;
  });
}

/** One file a row, never more than one row in memory. */
export async function writeRandomRows(folder: string, n: number, d: number): Promise<readonly FileRow[]> {
  const block = normalBlock();
  const row = new Float32Array(d);
  const rows: FileRow[] = [];
  for (let index = 0; index < n; index++) {
    const path = join(folder, `row-${index}`);
    fillRow(row, index, block);
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(new Uint8Array(row.buffer));
    await file.close();
    rows.push({ path, byteOffset: 0 });
  }
  return rows;
}
