// What muster privacy train shows to people.

import type { CentralBudget, CentralResult } from '../../simulation/central-training/central-training.ts';
import { counted, percent, table } from '../text.ts';

export function trainText(result: CentralResult): string {
  const { budgets, trained, judged, judgedOn, delta, accountant, backend } = result;
  return [
    `Trained on ${trained} digits, judged on ${judged.length} others (${judgedOn}), delta ${delta}`,
    `(one example added or removed; ${accountant}), backend ${backend}.`,
    '',
    table(HEAD, budgets.map(row)),
    ...(judgedOn === 'validation' ? ['', VALIDATED] : []),
  ].join('\n');
}

const HEAD = ['epsilon', 'learning rate', 'noise', 'steps', 'accuracy (min / median / max)'] as const;

function row({ epsilon, learningRate, accuracy, runs }: CentralBudget): readonly string[] {
  const [first] = runs;
  const { min, median, max } = accuracy;
  const shares = runs.length === 1 ? percent(median).trim() : [min, median, max].map(short).join(' / ') + ' %';
  const noise = first?.noiseMultiplier.toFixed(4) ?? '';
  return [`${epsilon}`, `${learningRate}`, noise, `${first?.steps}`, `${shares} in ${counted(runs.length, 'run')}`];
}

const short = (share: number): string => (100 * share).toFixed(1);

const VALIDATED =
  'Choosing by these figures tells something of the validation digits, which a training on all digits then counts as its own.';
