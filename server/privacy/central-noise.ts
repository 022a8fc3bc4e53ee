// The noise of one round under central privacy, and what is released with it. Drawn in float64 once the sum is there, used
// once, kept nowhere: the ledger holds a hash of it behind a secret salt that is forgotten with it, so that guesses at the
// sum cannot be tried on the hash. Sum and noise meet on a grid, where they are added exactly (shared/gaussian-noise.ts
// has the argument): what follows, denominator, centre and float32, is post-processing.

import { randomHex } from '../../shared/bytes.ts';
import { sha256 } from '../../shared/digest.ts';
import { fillNormals } from '../../shared/fill-normals.ts';
import { addOnGrid, noiseGrid } from '../../shared/gaussian-noise.ts';
import type { Digest } from '../../shared/ids.ts';
import type { RandomSource } from '../../shared/random-source.ts';

const SALT_BYTES = 32;
const DOMAIN = 'muster/central-noise/v1';

export interface CentralNoise {
  /** d independent N(0, 1). Secret. */
  readonly normals: Float64Array;
  /** One more, for the count of adaptive clipping. Secret. */
  readonly countNormal: number;
  readonly commitment: Digest;
  /** Overwrites them in memory. */
  forget(): void;
}

export async function drawCentralNoise(d: number, random: RandomSource): Promise<CentralNoise> {
  const drawn = new Float64Array(d + 1);
  fillNormals(random, drawn);
  const prefix = new TextEncoder().encode(`${DOMAIN}\n${randomHex(SALT_BYTES)}\n`);
  const bytes = new Uint8Array(prefix.length + drawn.byteLength);
  bytes.set(prefix);
  bytes.set(new Uint8Array(drawn.buffer), prefix.length);
  const commitment = await sha256(bytes);
  bytes.fill(0);
  return { normals: drawn.subarray(0, d), countNormal: drawn[d] ?? NaN, commitment, forget: () => void drawn.fill(0) };
}

export interface ReleaseScale {
  /** d values, public; null: zero. What the sum is a sum of differences to. */
  readonly centre: Float32Array | null;
  /** By how much one client moves the sum. */
  readonly clippingNormL2: number;
  /** Standard deviation of the sum's noise in units of it. */
  readonly noiseMultiplier: number;
  readonly plannedClients: number;
}

/** centre + (sum + noise) / planned clients, each value rounded to float32 once. The sum is used up. */
export function releasedAggregate(
  sum: Float64Array,
  normals: Float64Array,
  { centre, clippingNormL2, noiseMultiplier, plannedClients }: ReleaseScale,
): Float32Array {
  const stdDev = noiseMultiplier * clippingNormL2;
  addOnGrid(sum, normals, { stdDev, grid: noiseGrid(clippingNormL2, sum.length) });
  return Float32Array.from(sum, (noised, i) => (centre?.[i] ?? 0) + noised / plannedClients);
}
