// The algebra of mixtures in front of raw rows. Stacked mixtures become one, and a combination of images becomes a
// combination of raw rows, so that values are rounded to float32 once, at the very end.

import type { Combination, Mixture } from '../cohort.ts';
import { picked } from './picked.ts';

/** `outer` after `inner`; their coefficients multiply in float64, in the order of the rows in between. */
export function composed(inner: Mixture | null, outer: Mixture): Mixture {
  const coefficients = inner ? outer.coefficients.map((weights) => throughMixture(weights, inner)) : outer.coefficients;
  return {
    coefficients: coefficients.map(onSharedMemory),
    divisors: outer.divisors,
  };
}

/** Those rows of the image alone. @throws InvariantError for a row that it has not. */
export function pickedImages({ coefficients, divisors }: Mixture, rows: readonly number[]): Mixture {
  return {
    coefficients: picked(coefficients, rows),
    divisors: Float64Array.from(rows, (row) => divisors[row] ?? NaN),
  };
}

/** The same combination, with weights of raw rows. */
export function throughRows(combination: Combination, mixture: Mixture | null): Combination {
  return mixture ? { ...combination, weights: throughMixture(combination.weights, mixture) } : combination;
}

/** Entry j: the sum over r of weights[r] coefficients[r][j] / divisors[r]. A weight of 0 leaves its row out. */
function throughMixture(weights: Float64Array, { coefficients, divisors }: Mixture): Float64Array {
  const folded = new Float64Array(coefficients[0]?.length ?? 0);
  coefficients.forEach((row, r) => {
    const [weight, divisor] = [weights[r] ?? NaN, divisors[r] ?? NaN];
    if (weight !== 0)
      row.forEach((coefficient, j) => (folded[j] = (folded[j] ?? NaN) + (weight * coefficient) / divisor));
  });
  return folded;
}

/** Every shard is sent the mixture: n x n values that threads then share instead of copying. */
function onSharedMemory(values: Float64Array): Float64Array {
  const shared = new Float64Array(new SharedArrayBuffer(values.byteLength));
  shared.set(values);
  return shared;
}
