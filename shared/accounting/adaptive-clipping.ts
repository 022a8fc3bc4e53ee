// The arithmetic of a clipping norm that follows a quantile, learnt from a private count (Andrew et al., arXiv 1905.03871,
// section 3.2 and algorithm 1), for examples at a client and for clients at a coordinator alike. Whoever is clipped counts
// +1/2 where it lay within the norm, else -1/2.

/** By how much one that comes or goes moves the count. */
export const COUNT_SENSITIVITY = 1 / 2;

/**
 * The noise multiplier z' of the sum with which sum and count together are one Gaussian release of multiplier z:
 * z'^-2 + (2 s)^-2 = z^-2, s the count's standard deviation. NaN or infinite where the count alone costs that or more.
 */
export const noiseMultiplierBesideCount = (noiseMultiplier: number, countNoiseStdDev: number): number =>
  (noiseMultiplier ** -2 - (COUNT_SENSITIVITY / countNoiseStdDev) ** 2) ** -0.5;

/**
 * C <- C e^(-rate (share within - quantile)): down while too many lie within, up while too few do. `shareWithin` is noised,
 * over a public denominator, so that it may lie outside 0 to 1.
 */
export const nextClippingNorm = (
  clippingNormL2: number,
  shareWithin: number,
  { quantile, rate }: { readonly quantile: number; readonly rate: number },
): number => clippingNormL2 * Math.exp(-rate * (shareWithin - quantile));
