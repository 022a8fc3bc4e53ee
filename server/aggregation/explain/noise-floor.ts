// Whether a rule that picks single updates by what they are like works below the noise floor: an honest update under local
// privacy has a squared norm of |signal|^2 + d s^2 on average, s the noise per parameter. Once the noise is the longer part,
// distances between honest updates are those of their noise, 2 d s^2, and whoever leaves it out, or has less of it, lies nearer
// to all of them (Guerraoui et al. 2021, arXiv 2102.08166: the noise breaks the variance condition of such rules, the more
// so the larger d is). A rule that averages all updates has no such floor, but the noise of the mean.

import { median } from '../../../shared/vector/vector.ts';
import type { Aggregate } from '../rule.ts';

export interface NoisyRows {
  /** Squared L2 norm of each row. */
  readonly squaredNorms: Float64Array;
  /** Values of each row. */
  readonly d: number;
  /** Of the declared noise, per parameter; 0: none. */
  readonly noiseStdDev: number;
}

/** Null where rows were not picked, no noise is declared, or most rows hold more signal than noise. */
export function noiseFloorWarning(
  { selected }: Pick<Aggregate, 'selected'>,
  { squaredNorms, d, noiseStdDev }: NoisyRows,
): string | null {
  const { length: n } = squaredNorms;
  if (selected === null || selected.length >= n || noiseStdDev === 0) return null;
  const noise = d * noiseStdDev ** 2;
  const signal = median([...squaredNorms]) - noise;
  if (signal >= noise) return null;
  const share = Math.sqrt(Math.max(0, signal) / noise);
  return (
    'the rule works below the noise floor: half of the updates hold a signal of at most ' +
    `${share.toPrecision(2)} times the length of their privacy noise, so that picking updates by their distances picks by noise`
  );
}
