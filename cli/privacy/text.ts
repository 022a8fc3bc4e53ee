// What muster privacy prints for people.

import type { Accountant } from '../../shared/accounting/accountant.ts';
import type { PlannedTraining, PrivacyPlanWish } from './plan.ts';
import type { ShownEpsilon } from './price.ts';
import { counted, table } from '../text.ts';

export function epsilonText(shown: ShownEpsilon): string {
  const { epsilon, delta, accountantVersion } = shown;
  return `epsilon ${figure(epsilon)} at delta ${delta} (one example added or removed; ${accountantVersion}${groundsText(shown)})`;
}

function groundsText({ order, errorBound }: ShownEpsilon): string {
  if (order !== null) return `, order ${order}`;
  if (errorBound === null || errorBound === Infinity) return '';
  return `, at most ${figure(errorBound)} above the truth`;
}

export function planText(
  wish: PrivacyPlanWish,
  { name, version }: Accountant,
  candidates: readonly PlannedTraining[],
): string {
  const { examples, rounds, epsilon, delta } = wish;
  return [
    `${counted(rounds, 'round')} within epsilon ${epsilon} at delta ${delta}, ${counted(examples, 'example')} a client (one example added or removed; ${version})`,
    '',
    table(
      [
        '',
        'batch',
        'rate',
        'steps a round',
        'noise',
        'epsilon',
        'noise / signal',
        ...(attacked(wish) ? ATTACK_HEAD : []),
      ],
      candidates.map(row),
    ),
    '',
    '* the least work whose noise is nearly the least. noise: standard deviation over the clipping norm. noise / signal: noise of',
    '  an update, per parameter, over the largest norm of its signal; a mean of n clients divides it by sqrt(n).',
    ...(name === 'rdp'
      ? []
      : [
          '',
          'Federations enforce rdp, by which this noise costs more: their budget would be spent before the last round.',
        ]),
    ...(attacked(wish) ? attackRemarks(wish, candidates) : []),
  ].join('\n');
}

const ATTACK_HEAD = ['largest norm', 'shift a round', `in all rounds`];

const attacked = ({ parameters }: PrivacyPlanWish): boolean => parameters !== undefined;

function row(candidate: PlannedTraining): readonly (string | number)[] {
  const { batch, samplingRate, stepsPerRound, noiseMultiplier, epsilon, noisePerSignal, attack, recommended } =
    candidate;
  const attackFigures = attack ? [attack.largestUpdateNorm, attack.shiftPerRound, attack.shiftInAll].map(figure) : [];
  const cells = [
    figure(samplingRate),
    stepsPerRound,
    noiseMultiplier.toFixed(4),
    figure(epsilon),
    figure(noisePerSignal),
  ];
  return [recommended ? '*' : '', batch, ...cells, ...attackFigures];
}

function attackRemarks(
  { clients = 0, parameters = 0, clippingNorm, learningRate }: PrivacyPlanWish,
  candidates: readonly PlannedTraining[],
): readonly string[] {
  const witnessed = candidates.every(({ attack }) => attack !== null && attack.leastNoiseRatio > 0);
  const ratios = candidates.map(({ attack }) => attack?.leastNoiseRatio ?? 0);
  return [
    '',
    `Largest norm: an update of ${counted(parameters, 'value')} above it is refused, at learning rate ${learningRate} and clipping norm ${clippingNorm} (all three`,
    `grow with both). Shift: how far one liar among ${clients} clients can move a plain mean in a round to which all`,
    'of them send, and over all rounds, before honest clients answer; f liars f times as far. For a robust rule',
    'the certificate of a round says it.',
    witnessed
      ? `Updates with less than ${figure(Math.min(...ratios))} of the declared noise are refused, so that a liar has to carry noise as well.`
      : 'The model is too small for a noise witness: updates without noise are not noticed.',
  ];
}

const figure = (value: number): string => `${Number(value.toPrecision(5))}`;
