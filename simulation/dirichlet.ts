// Gamma and Dirichlet draws from a RandomSource, as logarithms: at small shapes most weights lie below the smallest
// float64, and would all be 0 where their logarithms still tell which is largest.

import { type RandomSource, standardNormals } from '../shared/random-source.ts';

/**
 * Logarithm of one draw from Gamma(shape, scale 1): Marsaglia and Tsang 2000 (ACM TOMS 26(3), section 2); below shape 1
 * by their note that Gamma(a) is Gamma(a + 1) x U^(1/a). Finite for shapes from 1e-6 to 1e12.
 */
export function logGammaDraw(random: RandomSource, shape: number): number {
  if (shape < 1) return logGammaDraw(random, shape + 1) + logUniform(random) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = standardNormals(random, 1)[0] ?? NaN;
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root ** 3;
    if (logUniform(random) < x ** 2 / 2 + d * (1 - v + Math.log(v))) return Math.log(d) + Math.log(v);
  }
}

/** One draw from Dirichlet(concentrations): the logarithms of shares that sum to 1. Concentrations as `logGammaDraw`. */
export function logDirichletDraw(random: RandomSource, concentrations: readonly number[]): readonly number[] {
  const draws = concentrations.map((shape) => logGammaDraw(random, shape));
  const largest = Math.max(...draws);
  const logTotal = largest + Math.log(draws.reduce((sum, draw) => sum + Math.exp(draw - largest), 0));
  return draws.map((draw) => draw - logTotal);
}

/** ln U on (0, 1], so that it is finite. */
const logUniform = (random: RandomSource): number => Math.log(1 - random.uniform());
