// Rows, files and figures for the tests of the kernel port.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cohort, Mixture } from '../../../../server/aggregation/cohort.ts';
import type { FileRow } from '../../../../server/aggregation/kernels/kernel.ts';
import { sha256 } from '../../../../shared/digest.ts';
import { seededRandomSource } from '../../../../shared/random-source.ts';

/** Uniform on -1 to 1. */
export function seededRows(n: number, d: number, seed: string): readonly Float32Array[] {
  const random = seededRandomSource(0, 'kernel-rows', seed);
  return Array.from({ length: n }, () => Float32Array.from({ length: d }, () => 2 * random.uniform() - 1));
}

/** With some coefficients of 0, which leave their rows out. */
export function seededMixture(rows: number, n: number, seed: string): Mixture {
  const random = seededRandomSource(0, 'kernel-mixture', seed);
  const coefficient = (): number => (random.uniform() < 0.3 ? 0 : random.uniform());
  return {
    coefficients: Array.from({ length: rows }, () => Float64Array.from({ length: n }, coefficient)),
    divisors: Float64Array.from({ length: rows }, () => 1 + 3 * random.uniform()),
  };
}

/** One file for each row, its values after `byteOffset` other bytes. */
export function rowsInFiles(folder: string, rows: readonly Float32Array[], byteOffset: number): readonly FileRow[] {
  return rows.map((row, i) => {
    const path = join(folder, `row-${i}`);
    writeFileSync(path, Buffer.concat([Buffer.alloc(byteOffset, 1), Buffer.from(row.buffer)]));
    return { path, byteOffset };
  });
}

/** Every figure of the port over that cohort, as one digest of their bytes. */
export async function digestOfFigures(cohort: Cohort): Promise<string> {
  const { n, d } = cohort;
  const point = Float32Array.from({ length: d }, (_, k) => (k % 7) / 7);
  const weights = Float64Array.from({ length: n }, (_, j) => j % 3);
  const coordinates = Uint32Array.from({ length: 40 }, (_, i) => (i * 7919) % d);
  const figures = await Promise.all([
    cohort.squaredDistances().then(({ squared }) => [squared]),
    cohort.exactSquaredDistances().then(({ squared }) => [squared]),
    cohort.squaredDistancesTo().then((squared) => [squared]),
    cohort.squaredDistancesTo(point).then((squared) => [squared]),
    cohort.combine({ weights, divisor: 3, plus: { point, weight: 0.5 } }).then((values) => [values]),
    cohort.coordinateWise({ kind: 'median' }).then(({ values, shares }) => [values, shares]),
    cohort.coordinateWise({ kind: 'trimmed', trim: 1 }).then(({ values, shares }) => [values, shares]),
    cohort.coordinateWise({ kind: 'around-median', keep: 2 }).then(({ values, shares }) => [values, shares]),
    cohort.gather(coordinates),
  ]);
  return sha256(Uint8Array.from(Buffer.concat(figures.flat().map(({ buffer }) => new Uint8Array(buffer)))));
}
