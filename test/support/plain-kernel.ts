// The port of server/aggregation/kernels/kernel.ts over plain-cohort.ts, for tests of whoever holds a kernel. Files are
// read whole.

import { readFileSync } from 'node:fs';
import type { Kernel, RowSource } from '../../server/aggregation/kernels/kernel.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { plainCohort } from './plain-cohort.ts';

export const plainKernel: Kernel = {
  name: 'plain',
  threads: 1,
  cohort: (rows, d) => plainCohort(rows.map((row) => valuesOf(row, d))),
  growing() {
    const rows = new Map<string, Float32Array>();
    const rowOf = (name: string): Float32Array => {
      const row = rows.get(name);
      if (!row) throw new InvariantError(`${name} was never added`);
      return row;
    };
    return {
      has: (name) => rows.has(name),
      add(name, values) {
        rows.set(name, values.slice());
        return Promise.resolve();
      },
      cohort: (names) => Promise.resolve(plainCohort(names.map(rowOf))),
    };
  },
  close: () => Promise.resolve(),
};

function valuesOf(row: RowSource, d: number): Float32Array {
  if (row instanceof Float32Array) return row;
  const bytes = readFileSync(row.path).subarray(row.byteOffset, row.byteOffset + 4 * d);
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
