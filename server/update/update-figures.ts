// What the absolute anomaly stage measures: kept with the update, its verdict and the ledger.

/** Figures of one update alone, recorded with its verdict. */
export type UpdateFigures = {
  readonly maxAbsolute: number;
  readonly normL2: number;
  /** Squared norm over d s^2, s the declared noise per parameter; null where no noise is declared. */
  readonly noiseRatio: number | null;
  /** How far the share of small values passes that of the declared noise (anomaly/noise-distribution.ts). */
  readonly noiseDeficit: number | null;
};
