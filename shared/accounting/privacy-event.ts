// A release that costs privacy, described once and never changed (after dp_accounting's DpEvent).

/** `steps` releases of the Poisson-subsampled Gaussian mechanism, add/remove-one adjacency. */
export interface SampledGaussianEvent {
  /** Noise standard deviation in units of the L2 sensitivity; 0 means no noise, hence no privacy. */
  readonly noiseMultiplier: number;
  /** Probability with which each example takes part in a step. */
  readonly samplingRate: number;
  /** Number of steps, each with fresh noise and a fresh sample. */
  readonly steps: number;
}
