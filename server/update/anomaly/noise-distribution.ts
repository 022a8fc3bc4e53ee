// The second half of the witness on one update: not only is there as much noise as declared, it is everywhere. A few
// large values can lift the norm of an update without noise above noise-witness.ts's bound; they cannot hide that its
// other values are too small. Honest values are noise plus a part of their own, hence |value| is never stochastically
// smaller than |N(0, s^2)|: the share of values up to any size may pass that of the noise only by chance.
//
// The chance is bounded by the one-sided Dvoretzky-Kiefer-Wolfowitz inequality with Massart's constant (Massart 1990,
// Ann. Probab. 18(3), theorem 1): P(sup_t (F_d(t) - F(t)) > e) <= exp(-2 d e^2). The assumption is that of
// noise-witness.ts: over several local steps training pulls a little of its earlier noise back.
//
// The supremum is taken over the edges of fixed bins, in one pass and without a sort. Over fewer points it is smaller,
// so that what holds for honest updates holds all the more; a liar who places its values just above the edges gains at
// most the probability of the likeliest bin, 0.00078, against a bound of 0.037 in the demo and 0.003 at a million values.

import { tailExponent, type WitnessOptions } from './noise-witness.ts';

/** Bins of |value| / s up to LARGEST_EDGE; 6e-5 of the noise lies beyond. */
const BINS = 4096;
const LARGEST_EDGE = 4;

/** Largest deficit of an honest update; 1 or more, and the check vacuous, where the model is very small. */
export function noiseDeficitBound(options: WitnessOptions): number {
  return Math.sqrt(tailExponent(options) / (2 * options.parameters));
}

/**
 * max over the edges t of (share of values with |value| < t) - P(|N(0, stdDev^2)| <= t), in 0 to 1. O(d).
 * All values finite, stdDev above 0.
 */
export function noiseDeficit(values: Float32Array, stdDev: number): number {
  let deficit = 0;
  let below = 0;
  binCounts(values, BINS / (LARGEST_EDGE * stdDev)).forEach((count, bin) => {
    below += count;
    deficit = Math.max(deficit, below / values.length - (noiseBelowEdge[bin + 1] ?? NaN));
  });
  return deficit;
}

/** What lies beyond the largest edge is not counted. */
function binCounts(values: Float32Array, binsPerUnit: number): Uint32Array {
  const counts = new Uint32Array(BINS);
  for (let i = 0; i < values.length; i++) {
    const place = Math.abs(values[i] ?? NaN) * binsPerUnit;
    if (!(place < BINS)) continue;
    const bin = place | 0;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

/** P(|N(0, 1)| <= t) at the BINS + 1 edges t. */
const noiseBelowEdge = Float64Array.from({ length: BINS + 1 }, (_, edge) =>
  errorFunction((edge * LARGEST_EDGE) / BINS / Math.SQRT2),
);

/** erf(x) for x >= 0, absolute error below 1.5e-7 (Abramowitz and Stegun 1964, formula 7.1.26). */
function errorFunction(x: number): number {
  const t = 1 / (1 + 0.3275911 * x);
  const polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return 1 - polynomial * Math.exp(-x * x);
}
