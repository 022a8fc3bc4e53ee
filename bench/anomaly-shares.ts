// What was judged in all cohorts of the anomaly bench -> shares: how many updates were detected, as a whole and by which
// layer, in the settings that are asked for.

import type { AnomalyAttackName, PhaseName, PrivacyName, SplitName } from './anomaly-cohorts.ts';
import { type Detection, detectionLayers } from './anomaly-detection.ts';

/** One update in one cohort. */
export interface Judged extends Detection {
  readonly attack: AnomalyAttackName;
  readonly split: SplitName;
  readonly privacy: PrivacyName;
  readonly phase: PhaseName;
  readonly lies: boolean;
}

/** What is left open is not asked for. */
export type Wanted = Partial<Pick<Judged, 'attack' | 'split' | 'privacy' | 'phase' | 'lies'>>;

/** Of the largest severity; the flags' own is 1. */
export const THRESHOLDS = [0.5, 0.75, 1, 1.5, 2] as const;

export function judgedIn(
  judged: readonly Judged[],
  { attack, split, privacy, phase, lies }: Wanted,
): readonly Judged[] {
  return judged.filter(
    (one) =>
      (attack === undefined || one.attack === attack) &&
      (split === undefined || one.split === split) &&
      (privacy === undefined || one.privacy === privacy) &&
      (phase === undefined || one.phase === phase) &&
      (lies === undefined || one.lies === lies),
  );
}

/** Refused, left out, or flagged if the flags' limits were `threshold` times what they are. NaN of nothing. */
export const detectedShare = (judged: readonly Judged[], threshold = 1): number =>
  judged.filter(({ severity }) => severity > threshold).length / judged.length;

/** One share a threshold. */
export const rocOf = (judged: readonly Judged[]): readonly number[] =>
  THRESHOLDS.map((threshold) => detectedShare(judged, threshold));

/** Which share each layer found: `by-norm-outlier` and so on. One update may be found by several flags. */
export function sharesByLayer(judged: readonly Judged[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    detectionLayers.map((layer) => [
      `by-${layer}`,
      judged.filter(({ layers }) => layers.includes(layer)).length / judged.length,
    ]),
  );
}
