// The cosine of every row of a cohort to one vector g, from squared distances alone: x g = (|x|^2 + |g|^2 - |x - g|^2) / 2.
// What cancels there is about 1e-16 of the larger square, so that a row far longer or shorter than g would get a cosine
// of noise, and a liar could choose to be one. Rows are therefore held against a multiple of g, a power of 256 and so
// exact, that is within a factor of 256 of their own length: noise is then below 1e-9 in the cosine up to 1e8 values,
// and cosines below that are called 0, as an orthogonal row must not be trusted by rounding.

import { normL2 } from '../../../shared/vector/vector.ts';
import type { Cohort } from '../cohort.ts';

const STEP = 256;
const NOISE = 1e-9;

/** One per row, -1 to 1; 0 for a zero row. `norms`: of the rows. g is not zero. */
export async function cosinesTo(cohort: Cohort, g: Float32Array, norms: Float64Array): Promise<Float64Array> {
  const own = normL2(g);
  const cosines = new Float64Array(cohort.n);
  const scales = norms.map((norm) => (norm === 0 ? 1 : scaleTo(norm / own)));
  for (const scale of new Set(scales)) {
    const rows = [...norms.keys()].filter((row) => scales[row] === scale);
    const squared = await cohort.only(rows).squaredDistancesTo(g.map((value) => value * scale));
    rows.forEach((row, i) => (cosines[row] = cosine(norms[row] ?? NaN, own * scale, squared[i] ?? NaN)));
  }
  return cosines;
}

/** The power of 256 within a factor of 256 of the ratio, which is not 0; 1 where that is. */
function scaleTo(ratio: number): number {
  let scale = 1;
  while (ratio / scale > STEP) scale *= STEP;
  while (ratio / scale < 1 / STEP) scale /= STEP;
  return scale;
}

function cosine(a: number, b: number, squaredDistance: number): number {
  if (a === 0) return 0;
  const value = (a * a + b * b - squaredDistance) / (2 * a * b);
  return Math.abs(value) < NOISE ? 0 : Math.max(-1, Math.min(1, value));
}
