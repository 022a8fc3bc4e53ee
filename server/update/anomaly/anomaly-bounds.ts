// The public bounds on one update alone. They follow from the federation's terms and the length of the run, never from
// what other clients send, so that a refusal reveals nothing about a cohort.

import { noiseStdDevPerParameter } from '../../../shared/accounting/noise-scale.ts';
import type { NormBoundOptions } from './norm-bound.ts';
import { normBound } from './norm-bound.ts';
import { noiseWitnessBound } from './noise-witness.ts';

export interface AnomalyBounds {
  /** Largest |value| of an update. */
  readonly maxAbsolute: number;
  readonly maxNormL2: number;
  /** Null where no noise is declared. */
  readonly noise: {
    /** Of the declared noise, per parameter. */
    readonly stdDev: number;
    /** Least squared norm over d s^2; 0 where the model is too small for a witness. */
    readonly leastRatio: number;
  } | null;
}

export const MAX_ABSOLUTE = 10;

export interface AnomalyBoundsOptions extends NormBoundOptions {
  /** Default 10. */
  readonly maxAbsolute?: number | undefined;
  /** Default: what honest training and its noise can reach (norm-bound.ts). */
  readonly maxNormL2?: number | undefined;
}

export function anomalyBounds(options: AnomalyBoundsOptions): AnomalyBounds {
  const stdDev = noiseStdDevPerParameter(options.training, options.privacy);
  return {
    maxAbsolute: options.maxAbsolute ?? MAX_ABSOLUTE,
    maxNormL2: options.maxNormL2 ?? normBound(options),
    noise: stdDev > 0 ? { stdDev, leastRatio: noiseWitnessBound(options) } : null,
  };
}
