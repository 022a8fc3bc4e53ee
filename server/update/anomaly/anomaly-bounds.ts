// The public bounds on one update alone. They follow from the federation's terms and the length of the run, never from
// what other clients send, so that a refusal reveals nothing about a cohort.

import { noiseStdDevPerParameter } from '../../../shared/accounting/noise-scale.ts';
import type { NormBoundOptions } from './norm-bound.ts';
import { normBound } from './norm-bound.ts';
import { noiseDeficitBound } from './noise-distribution.ts';
import { type SharedNoiseOptions, sharedNoiseBound } from './shared-noise.ts';
import { FALSE_ALARM_PROBABILITY, noiseWitnessBound } from './noise-witness.ts';

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
    /** Largest deficit of small values (noise-distribution.ts). */
    readonly largestDeficit: number;
    /** Least squared distance of two updates over 2 d s^2 (shared-noise.ts). */
    readonly leastPairRatio: number;
  } | null;
}

export const MAX_ABSOLUTE = 10;

export interface AnomalyBoundsOptions extends NormBoundOptions, SharedNoiseOptions {
  /** Default 10. */
  readonly maxAbsolute?: number | undefined;
  /** Default: what honest training and its noise can reach (norm-bound.ts). */
  readonly maxNormL2?: number | undefined;
}

/**
 * Chances of an honest update to break a bound: norm (its noise and the size of its batches, one each), witness ratio,
 * witness deficit, distance to another. The bound on single values is a choice, which check-bounds.ts holds to the noise.
 */
const CHANCES = 5;

/** The false alarm probability is that of the whole run and of all bounds together. */
export function anomalyBounds(options: AnomalyBoundsOptions): AnomalyBounds {
  const { falseAlarmProbability: whole = FALSE_ALARM_PROBABILITY } = options;
  const each = { ...options, falseAlarmProbability: whole / CHANCES };
  const stdDev = noiseStdDevPerParameter(options.training, options.privacy, options.rates);
  const witness = {
    stdDev,
    leastRatio: noiseWitnessBound(each),
    largestDeficit: noiseDeficitBound(each),
    leastPairRatio: sharedNoiseBound(each),
  };
  return {
    maxAbsolute: options.maxAbsolute ?? MAX_ABSOLUTE,
    maxNormL2: options.maxNormL2 ?? normBound(each),
    noise: stdDev > 0 ? witness : null,
  };
}
