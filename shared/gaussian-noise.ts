// A clipped sum in, the same sum under fresh Gaussian noise out: at a client, for one example (client-sdk/privacy/
// sampled-gaussian.ts), and at a coordinator, for one client (server/privacy/central-noise.ts). Noise comes from the random
// source given, in float64; TensorFlow.js's own randomNormal is seeded by Math.random and predictable.
// Sum and noise are rounded to one grid before they are added, so that the addition is exact: what leaves is the ideal
// mechanism's result rounded, which is post-processing, and no low-order bit tells which sum the noise was added to
// (Mironov, CCS 2012; Haney et al., arXiv 2207.13793). The grid is a power of two, so fine that rounding the sums of
// two neighbours moves them apart by at most 2^-11 of the clipping norm, of which clipping leaves 2^-10 free: the other
// half is for the rounding of whoever clips and adds up.
// Normals are fill-normals.ts's, which leave no gap wider than 2^-49 standard deviations as far as 15 of them: far below
// the grid, which is about 2^-12 / (z sqrt(length)) of one for a noise multiplier z, so that every point of the grid has
// its share (Jin et al., arXiv 2112.05307, attack through points without).
// What is left to an attacker on either side: log and exp are not correctly rounded, so that a draw's density is the
// normal's up to 2^-48 of itself, not exactly; and time: how long noise takes depends on how many draws were rejected or
// came from the tail (Jin et al., the same, on samplers that reject), which for a single draw, as the count of adaptive
// clipping has, tells a little of its size to whoever can time it to tens of nanoseconds. At a client besides: the clipped
// sum is added up in float32 by the backend, where one example more can change the rounding of all others (Casacuberta et
// al., arXiv 2207.10635: typically 2^-24 of the sum, the 2^-11 above takes that in, not the worst case); and how long a
// step takes depends on the batch.

import { fillNormals } from './fill-normals.ts';
import { InvariantError } from './invariant-error.ts';
import type { RandomSource } from './random-source.ts';

/** Share of the clipping norm to which what goes into a sum is scaled down. */
export const CLIPPING_SHARE = 1 - 2 ** -10;

/** By how much rounding may move two neighbouring sums apart, as a share of the clipping norm. */
const ROUNDING_SHARE = 2 ** -11;
/** Draws at a time. */
const BLOCK = 4096;

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
  const normals = new Float64Array(Math.min(values.length, BLOCK));
  try {
    for (let start = 0; start < values.length; start += BLOCK) {
      const block = values.subarray(start, start + BLOCK);
      const drawn = normals.subarray(0, block.length);
      fillNormals(random, drawn);
      addOnGrid(block, drawn, form);
    }
  } finally {
    normals.fill(0);
  }
}

/** The same with noise that is drawn already: `normals` are as many draws of N(0, 1). */
export function addOnGrid(values: Float64Array, normals: Float64Array, { stdDev, grid }: NoiseForm): void {
  if (!(stdDev > 0 && stdDev < Infinity)) {
    throw new InvariantError(`expected a positive, finite standard deviation of the noise, found ${stdDev}`);
  }
  // A power of two has an exact reciprocal: these are the quotients by the grid.
  const perGrid = 1 / grid;
  for (let i = 0; i < values.length; i++) {
    const noise = nearest(stdDev * (normals[i] ?? NaN) * perGrid);
    values[i] = grid * (nearest((values[i] ?? NaN) * perGrid) + noise);
  }
}

/** Whole; exact below 2^52. Math.round branches on the fraction, which nobody can predict here. */
const nearest = (value: number): number => Math.floor(value + 0.5);
