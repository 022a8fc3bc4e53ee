// The second half of the witness on one update: not only is there as much noise as declared, it is everywhere. A few
// large values can lift the norm of an update without noise above noise-witness.ts's bound; they cannot hide that its
// other values are too small. Honest values are noise plus a part of their own, hence |value| is never stochastically
// smaller than |N(0, s^2)|: the share of values up to any size may pass that of the noise only by chance.
//
// The chance is bounded by the one-sided Dvoretzky-Kiefer-Wolfowitz inequality with Massart's constant (Massart 1990,
// Ann. Probab. 18(3), theorem 1): P(sup_t (F_d(t) - F(t)) > e) <= exp(-2 d e^2). The assumption is that of
// noise-witness.ts: over several local steps training pulls a little of its earlier noise back.

import { tailExponent, type WitnessOptions } from './noise-witness.ts';

/** Largest deficit of an honest update; 1 or more, and the check vacuous, where the model is very small. */
export function noiseDeficitBound(options: WitnessOptions): number {
  return Math.sqrt(tailExponent(options) / (2 * options.parameters));
}

/**
 * sup over t of (share of values with |value| <= t) - P(|N(0, stdDev^2)| <= t), in 0 to 1. O(d log d): one sort.
 * All values finite, stdDev above 0.
 */
export function noiseDeficit(values: Float32Array, stdDev: number): number {
  const sizes = values.map(Math.abs).sort();
  let deficit = 0;
  for (let i = 0; i < sizes.length; i++) {
    const expected = errorFunction((sizes[i] ?? NaN) / (stdDev * Math.SQRT2));
    deficit = Math.max(deficit, (i + 1) / sizes.length - expected);
  }
  return deficit;
}

/** erf(x) for x >= 0, absolute error below 1.5e-7 (Abramowitz and Stegun 1964, formula 7.1.26). */
function errorFunction(x: number): number {
  const t = 1 / (1 + 0.3275911 * x);
  const polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return 1 - polynomial * Math.exp(-x * x);
}
