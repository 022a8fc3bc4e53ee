// muster privacy train: the digits in one place, under one budget or several: what privacy alone costs, with nobody to
// keep apart. Its curve as JSON and as a plot.

import { resolve } from 'node:path';
import { Command } from 'commander';
import { SMALLEST_DELTA } from '../../shared/accounting/pld/pld.ts';
import { CENTRAL_DEFAULTS } from '../../simulation/central-training/central-defaults.ts';
import type { CentralResult, CentralWish, Watch } from '../../simulation/central-training/central-training.ts';
import { interruption } from '../interrupt.ts';
import { listOf, misfit, positiveNumber, probability, wholeNumber } from '../option-values.ts';
import { type JsonTarget, printResult, requireWritable, tell } from '../output.ts';
import { trainText } from '../privacy/train-text.ts';
import { percent } from '../text.ts';
import { writeWhole } from '../write-whole.ts';

interface Options {
  readonly epsilon: readonly number[];
  readonly delta: number;
  readonly runs: number;
  readonly epochs: number;
  readonly batch: number;
  readonly clippingNorm: number;
  readonly learningRate?: number;
  readonly momentum: number;
  readonly seed: number;
  readonly validate?: boolean;
  readonly plot?: string;
  readonly json?: JsonTarget;
}

const MOST_SEED = 2 ** 29;

export function privacyTrainCommand(): Command {
  const { delta, epochs, expectedBatchSize, clippingNormL2, momentum } = CENTRAL_DEFAULTS;
  return new Command('train')
    .description('Train a convolutional network on the digits in one place, within a privacy budget.')
    .option('--epsilon <list>', 'budgets, one training each, as in 1,3,8', listOf(positiveNumber('--epsilon')), [3])
    .option('--delta <delta>', 'of the budgets', probability('--delta', SMALLEST_DELTA), delta)
    .option('--runs <n>', 'of each budget', wholeNumber('--runs', 1, 100), 1)
    .option('--epochs <n>', 'expected passes over the digits', wholeNumber('--epochs', 1, 10_000), epochs)
    .option('--batch <n>', 'expected batch size', wholeNumber('--batch', 1), expectedBatchSize)
    .option('--clipping-norm <norm>', 'of each example’s gradient', positiveNumber('--clipping-norm'), clippingNormL2)
    .option('--learning-rate <rate>', 'default: 1 for an epsilon below 2, else 2', positiveNumber('--learning-rate'))
    .option('--momentum <beta>', '0: none', probability('--momentum', 0), momentum)
    .option('--seed <n>', 'of the split and the first weights', wholeNumber('--seed', 0, MOST_SEED), 1)
    .option('--validate', 'judge on 1,000 of the 8,000 training digits instead of the test digits')
    .option('--plot <file>', 'the curves as SVG')
    .option('--json [file]', 'the result with all curves as JSON, on stdout or in a file')
    .addHelpText('after', HELP)
    .action(async (options: Options) => await train(options));
}

const HELP = `
The network is that of Opacus' MNIST example with tanh, 26,010 parameters; 8,000 digits are trained on, 2,000 judged.
Batches and noise come from the system's secure generator: no two runs are alike, and every epsilon is real.
The files of --json and --plot are written after each budget: what Ctrl-C comes after is kept.
Settings chosen by looking at the test digits flatter: choose with --validate.`;

async function train({ json, plot, ...options }: Options): Promise<void> {
  const wish = wishOf(options);
  if (plot !== undefined && typeof json === 'string' && resolve(plot) === resolve(json)) {
    throw misfit('--plot', 'another file than --json', plot);
  }
  await requireWritable(json);
  await requireWritable(plot, '--plot');
  const { signal, dispose } = interruption();
  try {
    // They bring TensorFlow.js: not for --help.
    const { trainOnDigits } = await import('../../simulation/central-training/central-training.ts');
    // What an interruption comes after is kept.
    const onBudget = async (result: CentralResult): Promise<void> => {
      if (typeof json === 'string') await printResult(result, '', json);
      if (plot !== undefined) await writePlot(result, plot);
    };
    const result = await trainOnDigits(wish, { signal, onEpoch: telling(wish), onBudget });
    if (typeof json !== 'string') await printResult(result, trainText(result), json);
  } finally {
    dispose();
  }
}

function wishOf(options: Omit<Options, 'json' | 'plot'>): CentralWish {
  const { epsilon: epsilons, runs, seed, validate = false, learningRate, ...training } = options;
  const { delta, epochs, batch: expectedBatchSize, clippingNorm: clippingNormL2, momentum } = training;
  return {
    epsilons,
    ...(learningRate !== undefined && { learningRate }),
    training: { delta, epochs, expectedBatchSize, clippingNormL2, momentum },
    runs,
    seed,
    judgedOn: validate ? 'validation' : 'test',
  };
}

function telling({ runs, training: { epochs } }: CentralWish): NonNullable<Watch['onEpoch']> {
  return ({ epsilon }, { run, epoch, accuracy }) => {
    const which = runs === 1 ? '' : `, run ${run + 1} of ${runs}`;
    tell(`epsilon ${epsilon}${which}: epoch ${Math.round(epoch)} of ${epochs}  ${percent(accuracy)}`);
  };
}

async function writePlot(result: CentralResult, file: string): Promise<void> {
  const { accuracyPlot } = await import('../../simulation/central-training/accuracy-plot.ts');
  await writeWhole(file, new TextEncoder().encode(await accuracyPlot(result)));
}
