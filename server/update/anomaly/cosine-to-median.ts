// The direction of each update against the coordinate-wise median of the others. Of the others, and the median: an
// update neither helps to define what it is held against, nor can a few liars drag it far. One sort of n values a
// coordinate serves all n clients, as the median of the others lies beside the median of all.

import { cosine } from '../../../shared/vector/pairwise-dots.ts';

interface Sums {
  /** Of update i with the median of the others, over the coordinates. */
  readonly products: Float64Array;
  readonly squaredMedians: Float64Array;
  readonly squaredValues: Float64Array;
}

/** One cosine per vector; 0 where either side is zero. At least 2 vectors, of k values each. O(k n log n). */
export function cosinesToMedian(vectors: readonly Float32Array[]): readonly number[] {
  const zeros = (): Float64Array => new Float64Array(vectors.length);
  const sums: Sums = { products: zeros(), squaredMedians: zeros(), squaredValues: zeros() };
  const column = new Float32Array(vectors.length);
  const sorted = new Float32Array(vectors.length);
  const length = vectors[0]?.length ?? 0;
  for (let coordinate = 0; coordinate < length; coordinate++) {
    for (let i = 0; i < column.length; i++) column[i] = vectors[i]?.[coordinate] ?? NaN;
    sorted.set(column);
    addCoordinate(sums, column, sorted.sort());
  }
  const { products, squaredMedians, squaredValues } = sums;
  return vectors.map((_, i) => cosine(products[i] ?? NaN, squaredMedians[i] ?? NaN, squaredValues[i] ?? NaN));
}

function addCoordinate(
  { products, squaredMedians, squaredValues }: Sums,
  column: Float32Array,
  sorted: Float32Array,
): void {
  for (let i = 0; i < column.length; i++) {
    const value = column[i] ?? NaN;
    const middle = medianOfOthers(value, sorted);
    products[i] = (products[i] ?? NaN) + value * middle;
    squaredMedians[i] = (squaredMedians[i] ?? NaN) + middle * middle;
    squaredValues[i] = (squaredValues[i] ?? NaN) + value * value;
  }
}

/** Median of the ascending values without one copy of `value`, which is among them; at least 2 values. */
function medianOfOthers(value: number, sorted: Float32Array): number {
  const middle = sorted.length >> 1;
  const centre = sorted[middle] ?? NaN;
  const below = sorted[middle - 1] ?? NaN;
  if (sorted.length % 2 === 0) return value <= below ? centre : below;
  const above = sorted[middle + 1] ?? NaN;
  if (value <= below) return (centre + above) / 2;
  return value >= above ? (below + centre) / 2 : (below + above) / 2;
}
