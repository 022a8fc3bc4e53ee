// One update judged alone: its largest value, its norm, and whether the declared noise is in it. Apart from the cohort's
// stage because it needs nobody else's update and so can answer at once. A refusal holds the client's own figure and
// the public bound, nothing more. Every bound is written so that a NaN falls on the refused side.

import { refuse } from '../../../shared/protocol/refusals.ts';
import type { Refused } from '../../../shared/protocol/refusals.ts';
import { type Magnitudes, magnitudes } from '../../../shared/vector/vector.ts';
import { noiseDeficit } from './noise-distribution.ts';
import type { IntactUpdate, RefusedUpdate, VettedUpdate } from '../stages.ts';
import { type UpdateFigures, withheldFigures } from '../update-figures.ts';
import type { AnomalyBounds } from './anomaly-bounds.ts';

/** The first bound that is broken answers: value, then norm, then noise. `bounds` null: nothing is measured. */
export function vetUpdate(update: IntactUpdate, bounds: AnomalyBounds | null): VettedUpdate | RefusedUpdate {
  if (bounds === null) return { ...update, kind: 'vetted', figures: withheldFigures };
  const { figures, refused } = vetValues(update.values, bounds, update.magnitudes);
  return refused ? { ...refused, figures } : { ...update, kind: 'vetted', figures };
}

type MeasuredFigures = UpdateFigures & Magnitudes;

/** The same of d finite values, whosoever they are. */
export function vetValues(
  values: Float32Array,
  bounds: AnomalyBounds,
  measured: Magnitudes = magnitudes(values),
): { readonly figures: MeasuredFigures; readonly refused: Refused | undefined } {
  const figures = figuresOf(values, bounds, measured);
  const refused = tooLargeValue(figures, bounds) ?? tooLargeNorm(figures, bounds) ?? noiseMissing(figures, bounds);
  return { figures, refused };
}

function figuresOf(
  values: Float32Array,
  { noise }: AnomalyBounds,
  { maxAbsolute, normL2 }: Magnitudes,
): MeasuredFigures {
  return {
    maxAbsolute,
    normL2,
    noiseRatio: noise === null ? null : normL2 ** 2 / (values.length * noise.stdDev ** 2),
    noiseDeficit: noise === null ? null : noiseDeficit(values, noise.stdDev),
  };
}

function tooLargeValue(figures: MeasuredFigures, bounds: AnomalyBounds): Refused | undefined {
  if (figures.maxAbsolute <= bounds.maxAbsolute) return undefined;
  return refuse('too-large-value', {
    expected: `no value beyond ${shown(bounds.maxAbsolute)} either way`,
    found: shown(figures.maxAbsolute),
    hint: 'send the difference to the base model, not the weights; if it is, the training diverged',
  });
}

function tooLargeNorm(figures: MeasuredFigures, bounds: AnomalyBounds): Refused | undefined {
  if (figures.normL2 <= bounds.maxNormL2) return undefined;
  return refuse('too-large-norm', {
    expected: `an L2 norm of at most ${shown(bounds.maxNormL2)}`,
    found: shown(figures.normL2),
    hint: 'train with the learning rate, clipping norm, steps and denominator of the federation’s terms',
  });
}

function noiseMissing(figures: MeasuredFigures, { noise }: AnomalyBounds): Refused | undefined {
  const { noiseRatio, noiseDeficit: deficit } = figures;
  if (noise === null || noiseRatio === null || deficit === null) return undefined;
  const hint = 'add the Gaussian noise of the federation’s terms at every step, an empty batch included';
  if (!(noiseRatio >= noise.leastRatio)) {
    const expected = `a squared norm of at least ${shown(noise.leastRatio)} times that of the declared noise`;
    return refuse('noise-missing', { expected, found: shown(noiseRatio), hint });
  }
  if (deficit <= noise.largestDeficit) return undefined;
  const expected = `at most ${shown(noise.largestDeficit)} more small values than the declared noise has, as a share`;
  return refuse('noise-missing', { expected, found: shown(deficit), hint });
}

const shown = (figure: number): string => String(Number(figure.toPrecision(6)));
