// What the detection of liars has to reach, on which settings, and whether it does. Phases and seeds are pooled. Where a
// gate is held to one split, the other splits are reported beside it.

import {
  type AnomalyAttackName,
  privacyNames,
  splitNames,
  type PrivacyName,
  type SplitName,
} from './anomaly-cohorts.ts';
import { detectedShare, type Judged, judgedIn } from './anomaly-shares.ts';
import type { Context } from './figure.ts';

interface DetectionGate {
  readonly attack: AnomalyAttackName;
  readonly splits: readonly SplitName[];
  readonly privacies: readonly PrivacyName[];
}

const LEAST_DETECTED = 0.99;
const MOST_FALSE_ALARMS = 0.02;
const MOST_FALSE_BANS = 1e-3;

const detectionGates: readonly DetectionGate[] = [
  { attack: 'scale', splits: ['iid'], privacies: privacyNames },
  { attack: 'gaussian', splits: ['iid'], privacies: privacyNames },
  { attack: 'identical', splits: ['iid'], privacies: privacyNames },
  { attack: 'noiseless-flip', splits: splitNames, privacies: ['local'] },
  { attack: 'shared-noise', splits: splitNames, privacies: ['local'] },
  { attack: 'sign-flip', splits: ['iid'], privacies: ['off'] },
];

export interface GatesOutcome {
  readonly missed: number;
  /** Each gate's figure, the settings and the goal it is held to, and the figure of each split that it is not held to. */
  readonly context: Context;
}

/** `falseBans`: the largest share that was found. */
export function passGates(judged: readonly Judged[], falseBans: number): GatesOutcome {
  const alarms = detectedShare(judgedIn(judged, { attack: 'none', split: 'iid' }));
  const detections = detectionGates.map((gate) => detectionOf(judged, gate));
  const all = [
    {
      name: 'false-alarms',
      value: alarms,
      on: `iid, privacy off and local: <= ${MOST_FALSE_ALARMS}`,
      met: alarms <= MOST_FALSE_ALARMS,
    },
    {
      name: 'false-bans',
      value: falseBans,
      on: `iid, worst of three: <= ${MOST_FALSE_BANS}`,
      met: falseBans <= MOST_FALSE_BANS,
    },
    ...detections,
  ];
  const missed = all.filter(({ met }) => !met).map(({ name }) => name);
  const figures = all.flatMap(({ name, value, on }) => [[name, value] as const, [`${name}-on`, on] as const]);
  const beside = detections.flatMap((gate) => gate.beside);
  return {
    missed: missed.length,
    context: Object.fromEntries<string | number>([['missed', missed.join(' ')], ...figures, ...beside]),
  };
}

function detectionOf(judged: readonly Judged[], { attack, splits, privacies }: DetectionGate): GateFigure {
  const shareOn = (held: readonly SplitName[]): number =>
    detectedShare(
      judgedIn(judged, { attack, lies: true }).filter(
        ({ split, privacy }) => held.includes(split) && privacies.includes(privacy),
      ),
    );
  const value = shareOn(splits);
  const others = splitNames.filter((split) => !splits.includes(split));
  return {
    name: attack,
    value,
    on: `${splits.join(', ')}, privacy ${privacies.join(' and ')}: >= ${LEAST_DETECTED}`,
    met: value >= LEAST_DETECTED,
    beside: others.map((split) => [`${attack}-${split}`, shareOn([split])] as const),
  };
}

interface GateFigure {
  readonly name: string;
  readonly value: number;
  readonly on: string;
  readonly met: boolean;
  readonly beside: readonly (readonly [name: string, share: number])[];
}
