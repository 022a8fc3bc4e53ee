// Samples in, how well they fit N(0, s^2) out: what an audit of privacy noise rests on. Kept apart so that the same two
// tests which must pass for the declared noise must fail for two thirds and one and a half of it.

/** How many standard deviations the sum of squares lies from n s^2: chi-square with n degrees has variance 2 n. */
export function sumOfSquaresZScore(samples: ArrayLike<number>, stdDev: number): number {
  const sum = Array.from(samples).reduce((total, x) => total + (x / stdDev) ** 2, 0);
  return (sum - samples.length) / Math.sqrt(2 * samples.length);
}

/** p-value of the Kolmogorov-Smirnov test against N(0, s^2): Numerical Recipes, 3rd edition, section 14.3.3. */
export function normalityPValue(samples: ArrayLike<number>, stdDev: number): number {
  const sorted = Float64Array.from(samples).sort();
  const n = sorted.length;
  const distance = sorted.reduce((most, x, i) => {
    const p = normalDistribution(x / stdDev);
    return Math.max(most, p - i / n, (i + 1) / n - p);
  }, 0);
  const lambda = (Math.sqrt(n) + 0.12 + 0.11 / Math.sqrt(n)) * distance;
  // The alternating series does not converge near 0, where p is 1 to every digit.
  if (lambda < 0.3) return 1;
  const terms = Array.from({ length: 100 }, (_, k) => (k % 2 === 0 ? 2 : -2) * Math.exp(-2 * ((k + 1) * lambda) ** 2));
  return terms.reduce((sum, term) => sum + term, 0);
}

/** Phi(x), to 1.2e-7: the Chebyshev fit of erfc in Numerical Recipes, 2nd edition, section 6.2. */
function normalDistribution(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * z);
  const coefficients = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
    -1.26551223,
  ];
  const series = coefficients.reduce((sum, coefficient) => sum * t + coefficient, 0);
  const tail = 0.5 * t * Math.exp(-z * z + series);
  return x < 0 ? tail : 1 - tail;
}
