// What private training in one place reaches at three budgets, and in the same run what Opacus reaches on the same digits
// with the same network, noise and steps, where Python has it: `muster privacy train` and test/oracles/central_training.py.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { median } from '../shared/vector/vector.ts';
import { CENTRAL_DEFAULTS } from '../simulation/central-training/central-defaults.ts';
import { type CentralResult, trainOnDigits } from '../simulation/central-training/central-training.ts';
import type { Print } from './figure.ts';
import { printedByPython } from './python-seconds.ts';

const EPSILONS = [1, 3, 8];

const summary = z.object({ median: z.number(), runs: z.array(z.number()) });
const comparedSchema = z.union([
  z.object({ skipped: z.string() }),
  z.object({ budgets: z.array(z.object({ epsilon: z.number(), opacus: summary, differenceInPoints: z.number() })) }),
]);
type Compared = z.infer<typeof comparedSchema>;

export async function benchCentralTraining({ runs }: { readonly runs: number }, print: Print): Promise<void> {
  const wish = { epsilons: EPSILONS, training: CENTRAL_DEFAULTS, runs, seed: 1, judgedOn: 'test' } as const;
  const result = await trainOnDigits(wish, { signal: new AbortController().signal });
  for (const { epsilon, learningRate, accuracy, runs: made } of result.budgets) {
    const context = { epsilon, learningRate, backend: result.backend };
    const accuracies = made.map((run) => run.accuracy);
    print({
      figure: 'central-accuracy',
      value: accuracy.median,
      unit: 'share',
      context: { ...context, runs: accuracies },
    });
    const seconds = made.map((run) => run.seconds);
    print({ figure: 'central-seconds-median', value: median(seconds), unit: 's', context });
  }
  printCompared(await comparedWithOpacus(result), print);
}

async function comparedWithOpacus(result: CentralResult): Promise<Compared> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-central-'));
  try {
    const file = join(folder, 'train.json');
    await writeFile(file, JSON.stringify(result));
    const script = new URL('../test/oracles/central_training.py', import.meta.url);
    const printed = await printedByPython(script, [file], comparedSchema);
    return typeof printed === 'string' ? { skipped: printed } : printed;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function printCompared(compared: Compared, print: Print): void {
  for (const [place, epsilon] of EPSILONS.entries()) {
    const budget = 'skipped' in compared ? undefined : compared.budgets[place];
    const context = { epsilon, ...('skipped' in compared && { skipped: compared.skipped }) };
    const { median: value = null, runs = [] } = { ...budget?.opacus };
    print({ figure: 'central-accuracy-opacus', value, unit: 'share', context: { ...context, runs } });
    const points = budget?.differenceInPoints ?? null;
    print({ figure: 'central-accuracy-minus-opacus', value: points, unit: 'points', context });
  }
}
