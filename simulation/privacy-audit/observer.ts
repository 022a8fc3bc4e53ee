// Every noised sum of a run in, for each canary the logarithm of how much likelier they all are with it than without it out:
// what the strongest observer can know, since a canary shows in its own weight alone and by Neyman and Pearson nothing
// tells better than the likelihood ratio. Of a sampled Gaussian step with sum z in units of C it is
//   log(1 - q + q e^((2z - 1) / (2 s^2))),
// the privacy loss of the accountant's one step (shared/accounting/pld/loss-masses.ts); steps are independent and add up.

import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';

/** Adds one step's log-likelihood ratios, sum z by sum z, to those of the steps before. */
export function addLogLikelihoodRatios(
  totals: Float64Array,
  sums: Float64Array,
  { noiseMultiplier, samplingRate }: Omit<SampledGaussianEvent, 'steps'>,
): void {
  const ratio = logLikelihoodRatio(noiseMultiplier, samplingRate);
  for (let i = 0; i < totals.length; i++) totals[i] = (totals[i] ?? NaN) + ratio(sums[i] ?? NaN);
}

/** From here on e^x overflows, and 1 - q is nothing beside it. */
const LARGE_EXPONENT = 700;

function logLikelihoodRatio(noiseMultiplier: number, samplingRate: number): (sum: number) => number {
  const halfPrecision = 1 / (2 * noiseMultiplier ** 2);
  return (sum) => {
    const exponent = (2 * sum - 1) * halfPrecision;
    if (samplingRate === 1) return exponent;
    if (exponent > LARGE_EXPONENT) return exponent + Math.log(samplingRate);
    return Math.log1p(samplingRate * Math.expm1(exponent));
  };
}
