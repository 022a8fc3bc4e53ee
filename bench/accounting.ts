// What an epsilon and a calibration cost: RDP and numerical composition here, and in the same run Opacus (RDP, PRV) and
// dp_accounting (RDP, PLD) where Python has them.

import type { Accountant } from '../shared/accounting/accountant.ts';
import { accountants } from '../shared/accounting/accountants.ts';
import { calibrateNoiseMultiplier } from '../shared/accounting/calibrate.ts';
import { sampledGaussian } from '../shared/accounting/privacy-event.ts';
import { median } from '../shared/vector/vector.ts';
import type { FigureId, Print } from './figure.ts';
import { pythonSeconds, type PythonSeconds, secondsOf } from './python-seconds.ts';

const setting = { noiseMultiplier: 1.1, samplingRate: 0.01, steps: 1000, delta: 1e-5, targetEpsilon: 1 };
const names = ['rdp', 'pld'] as const;
const MS_PER_S = 1000;

export async function benchAccounting({ runs }: { readonly runs: number }, print: Print): Promise<void> {
  for (const name of names) benchOurs(accountants[name], runs, print);
  const { noiseMultiplier, samplingRate, steps, delta, targetEpsilon } = setting;
  const args = [noiseMultiplier, samplingRate, steps, delta, targetEpsilon, runs];
  const python = await pythonSeconds('accounting.py', args);
  for (const name of names) {
    printTheirs({ figure: 'accounting-epsilon-opacus', task: `opacus-${name}-epsilon`, name }, python, print);
    printTheirs({ figure: 'accounting-noise-opacus', task: `opacus-${name}-noise`, name }, python, print);
    printTheirs(
      { figure: 'accounting-epsilon-dp-accounting', task: `dp-accounting-${name}-epsilon`, name },
      python,
      print,
    );
    printTheirs({ figure: 'accounting-noise-dp-accounting', task: `dp-accounting-${name}-noise`, name }, python, print);
  }
}

function benchOurs(accountant: Accountant, runs: number, print: Print): void {
  const { noiseMultiplier, samplingRate, steps, delta, targetEpsilon: epsilon } = setting;
  const event = sampledGaussian(noiseMultiplier, samplingRate, steps);
  const context = { accountant: accountant.name, version: accountant.version, ...setting };
  const spent = measured(runs, () => accountant.epsilon([event], delta).epsilon);
  print({ figure: 'accounting-epsilon', ...spent, unit: 'ms', context: { ...context, ...spent.context } });
  const calibrated = measured(runs, () =>
    calibrateNoiseMultiplier({ samplingRate, steps, epsilon, delta }, accountant),
  );
  print({ figure: 'accounting-noise', ...calibrated, unit: 'ms', context: { ...context, ...calibrated.context } });
}

/** The first run, in which the engine compiles, is told apart. */
function measured(runs: number, task: () => number): { readonly value: number; readonly context: Measured } {
  let found = NaN;
  const [first = NaN, ...ms] = Array.from({ length: runs + 1 }, () => {
    const started = performance.now();
    found = task();
    return performance.now() - started;
  });
  return { value: median(ms), context: { found, firstRun: first, runs: ms } };
}

type Measured = Readonly<Record<string, number | readonly number[]>>;

interface Theirs {
  readonly figure: FigureId;
  readonly task: string;
  readonly name: string;
}

function printTheirs({ figure, task, name }: Theirs, python: PythonSeconds | string, print: Print): void {
  const seconds = secondsOf(python, task);
  const context = { accountant: name, ...setting };
  if (typeof seconds === 'string') {
    print({ figure, value: null, unit: 'ms', context: { ...context, skipped: seconds } });
    return;
  }
  const ms = seconds.map((each) => each * MS_PER_S);
  print({ figure, value: median(ms), unit: 'ms', context: { ...context, runs: ms } });
}
