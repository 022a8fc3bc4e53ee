// Sums over flat float32 vectors, and medians over lists of figures. Every sum is taken in float64 and in the order of
// the indices, so that the same vectors give the same bits on every machine: a committed model has to be a pure
// function of what is recorded. Non-finite values are not judged here: one NaN makes every result NaN (never a smaller
// norm, never another median); `firstNonFinite` finds it.

import { InvariantError } from '../invariant-error.ts';

/** Sum of a_i b_i. @throws InvariantError when the lengths differ. */
export function dot(a: Float32Array, b: Float32Array): number {
  requireSameLength(a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? NaN) * (b[i] ?? NaN);
  return sum;
}

/** Sum of (a_i - b_i)^2, from the differences themselves: the Gram form cancels. @throws InvariantError as `dot`. */
export function squaredDistance(a: Float32Array, b: Float32Array): number {
  requireSameLength(a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? NaN) - (b[i] ?? NaN);
    sum += difference * difference;
  }
  return sum;
}

/** Euclidean norm. Cannot overflow: float32 squares stay below 1.2e77. */
export function normL2(v: Float32Array): number {
  return Math.sqrt(dot(v, v));
}

/** Largest |v_i|; 0 for an empty vector. */
export function maxAbsolute(v: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < v.length; i++) largest = Math.max(largest, Math.abs(v[i] ?? NaN));
  return largest;
}

export interface Magnitudes {
  readonly normL2: number;
  readonly maxAbsolute: number;
}

/**
 * `normL2` and `maxAbsolute` to the same bits, in one pass: of millions of values the reading is the cost. The norm is
 * finite exactly where all values are. A float32's square is exact in float64, and so is the root of it.
 */
export function magnitudes(v: Float32Array): Magnitudes {
  let squares = 0;
  let largest = 0;
  for (let i = 0; i < v.length; i++) {
    const value = v[i] ?? NaN;
    const square = value * value;
    squares += square;
    if (square > largest) largest = square;
  }
  // Squares are never negative, so that only a NaN among them makes their sum one.
  return { normL2: Math.sqrt(squares), maxAbsolute: Number.isNaN(squares) ? NaN : Math.sqrt(largest) };
}

/** Index of the first NaN or infinity, -1 where all values are finite. */
export function firstNonFinite(v: Float32Array): number {
  for (let i = 0; i < v.length; i++) if (!Number.isFinite(v[i])) return i;
  return -1;
}

/** The middle value, or the mean of the two middle ones. @throws InvariantError for an empty list. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new InvariantError('the median needs at least one value, found none');
  const sorted = Float64Array.from(values).sort();
  if (Number.isNaN(sorted.at(-1))) return NaN; // typed arrays sort NaN to the end
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Median of |x - median|, unscaled: times 1.4826 it estimates a normal's standard deviation. */
export function medianAbsoluteDeviation(values: readonly number[]): number {
  const centre = median(values);
  return median(values.map((value) => Math.abs(value - centre)));
}

function requireSameLength(a: Float32Array, b: Float32Array): void {
  if (a.length !== b.length)
    throw new InvariantError(`expected vectors of one length, found ${a.length} and ${b.length}`);
}
