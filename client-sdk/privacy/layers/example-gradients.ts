// The gradients of one layer's weights, one per example of a batch: their squared L2 norms out, and once the examples'
// factors are known their weighted sum. Apart, because some layers write the gradients out and others never do.

export interface ExampleGradients {
  /** Adds each example's squared norm in float64. One that is not finite comes out as NaN or Infinity. */
  readonly addSquaredNorms: (into: Float64Array) => void;
  /** Adds sum_i factor_i gradient_i to the flat sum. An example of factor 0 is not touched: 0 x NaN is NaN. */
  readonly addTo: (sum: Float64Array, factors: Float64Array) => void;
}

/** A gradient per example, end to end, for weights that begin at `offset`. Sums and norms are of exactly these values. */
export function writtenOut(rows: Float32Array, offset: number): ExampleGradients {
  return {
    addSquaredNorms: (into) => addSquares(rows, into),
    addTo: (sum, factors) => addWeighted(rows, factors, sum.subarray(offset, offset + rows.length / factors.length)),
  };
}

/** Of several tensors of weights of one layer. */
export function together(parts: readonly ExampleGradients[]): ExampleGradients {
  return {
    addSquaredNorms: (into) => parts.forEach((part) => part.addSquaredNorms(into)),
    addTo: (sum, factors) => parts.forEach((part) => part.addTo(sum, factors)),
  };
}

/** Adds each row's squared norm to the value of the same index. */
export function addSquares(rows: Float32Array, into: Float64Array): void {
  const length = rows.length / into.length;
  for (let example = 0; example < into.length; example++) {
    const start = example * length;
    into[example] = (into[example] ?? 0) + innerProduct(rows, { a: start, b: start, length });
  }
}

interface Pair {
  /** Where each of two rows begins. */
  readonly a: number;
  readonly b: number;
  readonly length: number;
}

/** Of two rows, in float64. Two sums side by side, since each addition waits for the one before it. */
export function innerProduct(values: Float32Array, { a, b, length }: Pair): number {
  let even = 0;
  let odd = 0;
  for (let i = 0; i + 1 < length; i += 2) {
    even += (values[a + i] ?? 0) * (values[b + i] ?? 0);
    odd += (values[a + i + 1] ?? 0) * (values[b + i + 1] ?? 0);
  }
  const last = length % 2 === 1 ? (values[a + length - 1] ?? 0) * (values[b + length - 1] ?? 0) : 0;
  return even + odd + last;
}

/** Adds the rows, each times its factor. */
export function addWeighted(rows: Float32Array, factors: Float64Array, into: Float64Array): void {
  const length = into.length;
  for (let example = 0; example < factors.length; example++) {
    const factor = factors[example] ?? 0;
    if (factor === 0) continue;
    const start = example * length;
    for (let i = 0; i < length; i++) into[i] = (into[i] ?? 0) + factor * (rows[start + i] ?? 0);
  }
}
