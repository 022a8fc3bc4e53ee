// (f, kappa)-robustness by its definition (Allouah et al. 2023, arXiv 2302.01772, definition 2), over all subsets.

import type { Rows } from '../../../support/rule-cases.ts';
import { fc } from '../../../support/properties.ts';

/** The largest |aggregate - mean of S|^2 over mean of |x_i - mean of S|^2 of all S of n - f rows; 0 / 0 is 0. */
export function worstRatio(rows: Rows, f: number, aggregate: ArrayLike<number>): number {
  const ratios = subsets(rows.length, rows.length - f).map((subset) => {
    const chosen = rows.filter((_, row) => subset.includes(row));
    const mean = Array.from(aggregate, (_, k) => chosen.reduce((sum, row) => sum + (row[k] ?? NaN), 0) / chosen.length);
    const variance = chosen.reduce((sum, row) => sum + squaredDistance(row, mean), 0) / chosen.length;
    const error = squaredDistance(aggregate, mean);
    return error === 0 ? 0 : error / variance;
  });
  return Math.max(...ratios);
}

/** Up to 9 rows, with f of them at one place, far or near, so that they pull together. */
export const fewRows = fc
  .record({
    f: fc.integer({ min: 0, max: 3 }),
    spare: fc.integer({ min: 0, max: 2 }),
    d: fc.integer({ min: 1, max: 3 }),
  })
  .chain(({ f, spare, d }) => {
    const row = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: d, maxLength: d });
    const liar = fc.array(fc.constantFrom(-1e4, -9, 0, 1, 9, 1e4), { minLength: d, maxLength: d });
    const honest = fc.array(row, { minLength: f + 1 + spare, maxLength: f + 1 + spare });
    return fc.record({ f: fc.constant(f), honest, liar });
  })
  .map(({ f, honest, liar }) => ({ f, rows: [...honest, ...Array.from({ length: f }, () => liar)] }));

function subsets(n: number, size: number): readonly (readonly number[])[] {
  if (size === 0) return [[]];
  if (size > n) return [];
  const last = n - 1;
  return [...subsets(last, size), ...subsets(last, size - 1).map((subset) => [...subset, last])];
}

export function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a, (value, k) => (value - (b[k] ?? NaN)) ** 2).reduce((sum, square) => sum + square, 0);
}
