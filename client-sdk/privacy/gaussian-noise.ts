// A clipped sum in, the same sum under fresh Gaussian noise out: the one act that makes a step private. Noise comes
// from the random source given, in float64; TensorFlow.js's own randomNormal is seeded by Math.random and predictable.
// Not hardened against attacks on the low bits of floating-point sums (Haney et al., arXiv 2207.13793); what leaves
// the client is rounded to float32 after all noise of the round is in, which leaves them little to read.

import { InvariantError } from '../../shared/invariant-error.ts';
import { fillStandardNormals, type RandomSource } from '../../shared/random-source.ts';

/** Adds an independent N(0, stdDev^2) draw to every value, in place. */
export function addGaussianNoise(random: RandomSource, values: Float64Array, stdDev: number): void {
  if (!(stdDev > 0 && stdDev < Infinity)) {
    throw new InvariantError(`expected a positive, finite standard deviation of the noise, found ${stdDev}`);
  }
  const normals = new Float64Array(values.length);
  fillStandardNormals(random, normals);
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + stdDev * (normals[i] ?? 0);
}
