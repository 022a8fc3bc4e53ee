// The unweighted mean of update vectors, per coordinate: sums in float64 in the order given (client ids), divided by
// their number, rounded to float32 once. No client's own figures (example counts, losses) weigh anything: they cannot
// be checked. Reads its inputs, never writes to them; of one vector it is a copy to the last bit.

import { InvariantError } from '../shared/invariant-error.ts';

/** @throws InvariantError for an empty list. */
export function average(vectors: readonly Float32Array[]): Float32Array {
  const [first, ...others] = vectors;
  if (first === undefined) throw new InvariantError('a mean needs at least one vector, found none');
  const sums = new Float64Array(first);
  for (const vector of others) addTo(sums, vector);
  return new Float32Array(sums.map((sum) => sum / vectors.length));
}

function addTo(sums: Float64Array, vector: Float32Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? NaN) + (vector[i] ?? NaN);
}
