// Draws rows in that lie so far out that float64 squared distances to them would bury those among the others. To the
// geometric median only the direction of a row counts, and that hardly changes: by 1 / FAR of the ratio of the median's
// distance from the centre to the radius.

import type { Distances, Mixture } from '../cohort.ts';

/** In radii. Squared distances then leave the others a relative error of 1e-9, and directions one of 1e-7. */
const FAR = 1e7;

/** Null where no row is so far. f < n / 2: an honest row lies within the radius. */
export function drawIn(distances: Distances, f: number): Mixture | null {
  const { n } = distances;
  const { centre, radius } = ball(distances, n - f);
  const far = FAR * radius;
  const shares = distancesFrom(distances, centre).map((distance) => (distance > far ? far / distance : 1));
  // Where n - f rows coincide nothing but their number counts.
  if (radius === 0 || shares.every((share) => share === 1)) return null;
  const coefficients = Array.from(shares, (share, row) => {
    const coefficient = new Float64Array(n);
    coefficient[centre] = 1 - share;
    coefficient[row] = share;
    return coefficient;
  });
  return { coefficients, divisors: new Float64Array(n).fill(1) };
}

/** The row with `count` rows, itself included, within the least distance; the lower of two. */
function ball(distances: Distances, count: number): { readonly centre: number; readonly radius: number } {
  const radii = Array.from({ length: distances.n }, (_, row) => distancesFrom(distances, row).sort()[count - 1] ?? NaN);
  const radius = Math.min(...radii);
  return { centre: radii.indexOf(radius), radius };
}

const distancesFrom = ({ n, squared }: Distances, row: number): Float64Array =>
  squared.slice(row * n, (row + 1) * n).map(Math.sqrt);
