// A clipped sum in, the same sum under fresh Gaussian noise out: at a client, for one example (client-sdk/privacy/
// sampled-gaussian.ts), and at a coordinator, for one client (server/privacy/central-noise.ts). Noise comes from the random
// source given, in float64; TensorFlow.js's own randomNormal is seeded by Math.random and predictable.
// Sum and noise are rounded to one grid before they are added, so that the addition is exact: what leaves is the ideal
// mechanism's result rounded, which is post-processing, and no low-order bit tells which sum the noise was added to
// (Mironov, CCS 2012; Haney et al., arXiv 2207.13793). The grid is a power of two, so fine that rounding the sums of
// two neighbours moves them apart by at most 2^-11 of the clipping norm, of which clipping leaves 2^-10 free: the other
// half is for the rounding of whoever clips and adds up.
// A normal is Box and Muller's, its radius from 106 random bits: it reaches 12 standard deviations and, unlike one from
// 53 bits, leaves no gap in the tail that is wider than the grid (the attack of Jin et al., arXiv 2112.05307).
// What is left to an attacker on either side: log, cos and sin are not correctly rounded, so that a draw is normal up to
// about 2^-50 of itself, not exactly. At a client besides: the clipped sum is added up in float32 by the backend, where one
// example more can change the rounding of all others (Casacuberta et al., arXiv 2207.10635: typically 2^-24 of the sum, the
// 2^-11 above takes that in, not the worst case); and how long a step takes depends on the batch.

import { InvariantError } from './invariant-error.ts';
import type { RandomSource } from './random-source.ts';

/** Share of the clipping norm to which what goes into a sum is scaled down. */
export const CLIPPING_SHARE = 1 - 2 ** -10;

/** By how much rounding may move two neighbouring sums apart, as a share of the clipping norm. */
const ROUNDING_SHARE = 2 ** -11;
const SMALLEST_UNIFORM = 2 ** -53;

/** The largest power of two g with g sqrt(length) <= 2^-11 C: each of two sums moves by g / 2 at most in every value. */
export function noiseGrid(clippingNormL2: number, length: number): number {
  return 2 ** Math.floor(Math.log2((ROUNDING_SHARE * clippingNormL2) / Math.sqrt(length)));
}

export interface NoiseForm {
  /** > 0 */
  readonly stdDev: number;
  /** A power of two, well below stdDev. */
  readonly grid: number;
}

/** Rounds every value to the grid and adds an independent draw of N(0, stdDev^2), rounded likewise, in place. */
export function addGaussianNoise(random: RandomSource, values: Float64Array, form: NoiseForm): void {
  const normals = new Float64Array(values.length);
  fillNormals(random, normals);
  addOnGrid(values, normals, form);
}

/** The same with noise that is drawn already: `normals` are as many draws of N(0, 1). */
export function addOnGrid(values: Float64Array, normals: Float64Array, { stdDev, grid }: NoiseForm): void {
  if (!(stdDev > 0 && stdDev < Infinity)) {
    throw new InvariantError(`expected a positive, finite standard deviation of the noise, found ${stdDev}`);
  }
  for (let i = 0; i < values.length; i++) {
    values[i] = grid * (Math.round((values[i] ?? NaN) / grid) + Math.round((stdDev * (normals[i] ?? NaN)) / grid));
  }
}

/** Fills `out` with independent N(0, 1) draws: for noise that protects; `standardNormals` is for all else. */
export function fillNormals(random: RandomSource, out: Float64Array): void {
  for (let i = 0; i < out.length; i += 2) {
    // In (0, 1]: where the first 53 bits leave a number near 0 with few of its own, the second 53 follow.
    const uniform = 1 - random.uniform() - SMALLEST_UNIFORM * random.uniform();
    const radius = Math.sqrt(-2 * Math.log(uniform));
    const angle = 2 * Math.PI * random.uniform();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
}
