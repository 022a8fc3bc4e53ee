// log A_a of one Poisson-subsampled Gaussian release (noise multiplier s, sampling rate q) at a whole order a:
// A_a = sum over i = 0..a of C(a, i) (1-q)^(a-i) q^i e^((i^2-i) / (2 s^2))   (Mironov, Talwar and Zhang, arXiv
// 1908.10530, section 3.3). Binomial weights sum to 1 and the exponent is 0 for i < 2, hence A_a - 1 is the sum over
// i >= 2 with e^x - 1 in place of e^x: positive terms that keep their precision however small q is.

import { log1pExp, logExpm1, logSumExp } from './log-sum-exp.ts';

/** `order` >= 2 and whole; 0 < q < 1; s > 0. Cost: `order` terms. */
export function wholeOrderLogMoment(order: number, samplingRate: number, noiseMultiplier: number): number {
  const logTerms = new Float64Array(order - 1);
  const [logRate, logRest] = [Math.log(samplingRate), Math.log1p(-samplingRate)];
  let logBinomial = Math.log(order);
  for (let i = 2; i <= order; i++) {
    logBinomial += Math.log((order - i + 1) / i);
    const logWeight = logBinomial + i * logRate + (order - i) * logRest;
    logTerms[i - 2] = logWeight + logExpm1((i * i - i) / (2 * noiseMultiplier ** 2));
  }
  return log1pExp(logSumExp(logTerms));
}
