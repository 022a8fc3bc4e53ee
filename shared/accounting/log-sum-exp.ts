// Sums of numbers known by their logarithms, beyond what a float64 holds.

/** log(e^x - 1) for x >= 0. */
export function logExpm1(x: number): number {
  return x > 1 ? x + Math.log1p(-Math.exp(-x)) : Math.log(Math.expm1(x));
}

/** log(1 + e^x). */
export function log1pExp(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** log of the sum of e^term over the first `count` terms. */
export function logSumExp(logTerms: Float64Array, count = logTerms.length): number {
  let largest = -Infinity;
  for (let i = 0; i < count; i++) largest = Math.max(largest, logTerms[i] ?? NaN);
  if (!Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.exp((logTerms[i] ?? NaN) - largest);
  return largest + Math.log(sum);
}
