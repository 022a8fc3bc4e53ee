// The noise of one round under central privacy, and what is released with it. Drawn in float64 once the sum is there, used
// once, kept nowhere: the ledger holds a hash of it behind a secret salt that is forgotten with it, so that guesses at the
// sum cannot be tried on the hash. What is released is rounded to float32, which is post-processing. That rounding is no
// proof against floating-point attacks on the addition itself (Haney et al., arXiv 2207.13793): float64 noise is not
// sampled on a grid.

import { randomHex } from '../../shared/bytes.ts';
import { sha256 } from '../../shared/digest.ts';
import type { Digest } from '../../shared/ids.ts';
import { type RandomSource, standardNormals } from '../../shared/random-source.ts';

const SALT_BYTES = 32;
const DOMAIN = 'muster/central-noise/v1';

export interface CentralNoise {
  /** d independent N(0, 1). Secret. */
  readonly normals: Float64Array;
  /** One more, for the count of adaptive clipping. Secret. */
  readonly countNormal: number;
  readonly commitment: Digest;
}

export async function drawCentralNoise(d: number, random: RandomSource): Promise<CentralNoise> {
  const drawn = standardNormals(random, d + 1);
  const prefix = new TextEncoder().encode(`${DOMAIN}\n${randomHex(SALT_BYTES)}\n`);
  const bytes = new Uint8Array(prefix.length + drawn.byteLength);
  bytes.set(prefix);
  bytes.set(new Uint8Array(drawn.buffer), prefix.length);
  const commitment = await sha256(bytes);
  bytes.fill(0);
  return { normals: drawn.subarray(0, d), countNormal: drawn[d] ?? NaN, commitment };
}

export interface ReleaseScale {
  /** d values, public; null: zero. What the sum is a sum of differences to. */
  readonly centre: Float32Array | null;
  /** Of the sum's noise. */
  readonly stdDev: number;
  readonly plannedClients: number;
}

/** centre + (sum + noise) / planned clients, each value rounded to float32 once. */
export const releasedAggregate = (
  sum: Float64Array,
  normals: Float64Array,
  { centre, stdDev, plannedClients }: ReleaseScale,
): Float32Array =>
  Float32Array.from(sum, (value, i) => (centre?.[i] ?? 0) + (value + stdDev * (normals[i] ?? NaN)) / plannedClients);
