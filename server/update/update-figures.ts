// What the absolute anomaly stage measures: kept with the update, its verdict and the ledger.

import { InvariantError } from '../../shared/invariant-error.ts';

/** Figures of one update alone, recorded with its verdict. All null under central privacy, which shows no single update. */
export type UpdateFigures = {
  readonly maxAbsolute: number | null;
  readonly normL2: number | null;
  /** Squared norm over d s^2, s the declared noise per parameter; null where no noise is declared. */
  readonly noiseRatio: number | null;
  /** How far the share of small values passes that of the declared noise (anomaly/noise-distribution.ts). */
  readonly noiseDeficit: number | null;
};

/** @throws InvariantError where nothing was measured. */
export function measuredNormL2({ normL2 }: UpdateFigures): number {
  if (normL2 === null) throw new InvariantError('an update whose norm is withheld cannot be compared');
  return normL2;
}

export const withheldFigures: UpdateFigures = { maxAbsolute: null, normL2: null, noiseRatio: null, noiseDeficit: null };
