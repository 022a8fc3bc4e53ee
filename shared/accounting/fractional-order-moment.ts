// log A_a of one Poisson-subsampled Gaussian release (noise multiplier s, sampling rate q) at any order a > 1:
//   A_a = E over z ~ N(0, s^2) of (1 + t)^a,  t = q (e^x - 1),  x = (2z - 1) / (2 s^2)     (arXiv 1908.10530, section 3.3).
// The two infinite series of that section have terms of both signs at fractional orders: their float64 sum loses digits,
// once came out negative, and cannot resolve A_a - 1 at small q; summing absolute values (dp_accounting) is up to 35 % high.
// Instead: E[t] = 0, so that A_a - 1 = E of (1 + t)^a - 1 - a t, which Bernoulli's inequality makes positive everywhere.
// It is integrated by the trapezoid rule. Nothing cancels, and the error falls exponentially in 1 / step, because the
// integrand is analytic up to |Im z| = pi s^2, where 1 + t first vanishes (Trefethen and Weideman, SIAM Review 56(3),
// 2014, theorem 5.1). Orders of one release share the nodes. Cost: about 70 nodes per order at s = 1, ~ 1/s below.

import { log1pExp, logSumExp } from './log-sum-exp.ts';

/** The trapezoid error is e^-40 = 4e-18 of the integrand's size on the edge of its strip. */
const ERROR_EXPONENT = 40;
/** Standard deviations beyond which the tails of the integrand, tilted Gaussians at 0 and at max(a, 2), are left out. */
const TAIL = 9;
/** More nodes than this are not spent: `undefined`, and the caller takes a bound in the place of the value. */
const MOST_NODES = 2 ** 16;
/** Below this |t| by the binomial series, whose first two terms are gone; above, they cancel three digits at most. */
const SMALL_T = 0.05;

/** In the order of `orders`; undefined where s is so small that the integral takes too many nodes. 0 < q < 1; s > 0. */
export function fractionalOrderLogMoments(
  orders: readonly number[],
  samplingRate: number,
  noiseMultiplier: number,
): readonly (number | undefined)[] {
  const step = stepFor(noiseMultiplier);
  const first = -Math.ceil(TAIL / step);
  const counts = orders.map((order) => Math.ceil((Math.max(order, 2) / noiseMultiplier + TAIL) / step) - first + 1);
  const nodes = Math.max(0, ...counts.filter((count) => count <= MOST_NODES));
  const deviations = Float64Array.from({ length: nodes }, (_, k) => (first + k) * step);
  const exponents = deviations.map((y) => y / noiseMultiplier - 1 / (2 * noiseMultiplier ** 2));
  const shifts = exponents.map((x) => samplingRate * Math.expm1(x));
  const logs = exponents.map((x, k) => logShifted(x, shifts[k] ?? NaN, samplingRate));
  const logDensities = deviations.map((y) => -(y * y) / 2);
  const logWidth = Math.log(step / Math.sqrt(2 * Math.PI));
  const logTerms = new Float64Array(nodes);
  return orders.map((order, at) => {
    const count = counts[at] ?? NaN;
    if (count > nodes) return undefined;
    for (let k = 0; k < count; k++) {
      logTerms[k] = (logDensities[k] ?? NaN) + logExcess(order, shifts[k] ?? NaN, logs[k] ?? NaN);
    }
    return log1pExp(logWidth + logSumExp(logTerms, count));
  });
}

/**
 * Largest step, in standard deviations s of z, whose error exponent is reached: on |Im z| = y a Gaussian has grown by
 * e^(y^2 / (2 s^2)), hence the error e^(y^2 / (2 s^2) - 2 pi y / step) at the best y up to pi s^2.
 */
function stepFor(noiseMultiplier: number): number {
  const ofGaussian = Math.PI * Math.sqrt(2 / ERROR_EXPONENT);
  if (ofGaussian * noiseMultiplier >= 2) return ofGaussian;
  return (2 * Math.PI ** 2 * noiseMultiplier) / (ERROR_EXPONENT + (Math.PI * noiseMultiplier) ** 2 / 2);
}

/** log(1 + t), also where e^x overflows. */
function logShifted(x: number, t: number, samplingRate: number): number {
  return t < Infinity ? Math.log1p(t) : Math.log(samplingRate) + x;
}

/** log((1 + t)^a - 1 - a t) for t > -1; `logOfShifted` = log(1 + t). */
function logExcess(order: number, t: number, logOfShifted: number): number {
  if (Math.abs(t) < SMALL_T) return Math.log(excessBySeries(order, t));
  const power = order * logOfShifted;
  if (power < 30) return Math.log(Math.expm1(power) - order * t);
  const rest = order * Math.exp(logOfShifted - power) - (order - 1) * Math.exp(-power);
  return power + Math.log1p(-rest);
}

/** Sum over k >= 2 of C(a, k) t^k. */
function excessBySeries(order: number, t: number): number {
  let term = ((order * (order - 1)) / 2) * t * t;
  let sum = term;
  for (let k = 3; Math.abs(term) > Math.abs(sum) * 1e-17; k++) {
    term *= ((order - k + 1) / k) * t;
    sum += term;
  }
  return sum;
}
