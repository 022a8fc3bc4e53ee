// Does a sample come from N(0, 1)? Draws in, Kolmogorov and Smirnov's statistic out: the largest gap between the
// sample's distribution and the normal one, times sqrt(n). A noise test must also show the wrong noise that it rejects.

/** Statistics above this have p < 1e-3 (limit distribution: 2 sum over k of (-1)^(k-1) e^(-2 k^2 x^2)). */
export const KS_CRITICAL_P_001 = 1.9495;

export function ksStatistic(draws: Float64Array): number {
  const sorted = draws.toSorted();
  const n = sorted.length;
  const gaps = sorted.map((x, i) => {
    const expected = normalCdf(x);
    return Math.max(expected - i / n, (i + 1) / n - expected);
  });
  return Math.sqrt(n) * gaps.reduce((a, b) => Math.max(a, b), 0);
}

/** Abramowitz and Stegun 26.2.17, error below 7.5e-8: far below what 10^6 draws can resolve. */
function normalCdf(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)) * series;
  return x > 0 ? 1 - tail : tail;
}
