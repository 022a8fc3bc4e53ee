// npm run -s bench -- NAME [options] --json

import { Command, InvalidArgumentError } from 'commander';
import { attackNames } from '../simulation/attacks.ts';
import { benchAccounting } from './accounting.ts';
import { benchAdmission } from './admission.ts';
import { benchAggregationConformance } from './aggregation-conformance.ts';
import { benchAnomaly } from './anomaly.ts';
import { benchCoordinateRules } from './coordinate-rules.ts';
import { benchDemo } from './demo.ts';
import { benchCentralTraining } from './central-training.ts';
import { type Print, printer } from './figure.ts';
import { benchKrum } from './krum.ts';
import { benchPerExampleGradients } from './per-example-gradients.ts';
import { benchPrivacyKills } from './privacy-kills.ts';

const EXIT_REFUSED = 2;

const program = new Command('bench')
  .description('Measure. What each figure means stands in bench/README.md.')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_REFUSED));

const bench = (name: string, description: string): Command =>
  program.command(name).description(description).option('--json', 'one object a line');

/** With the command's options and what prints its figures. */
const printed =
  <Options>(run: (options: Options, print: Print) => Promise<void>) =>
  async (options: Options & { readonly json?: boolean }, command: Command): Promise<void> =>
    await run(options, printer(command.name(), options.json ?? false));

bench('demo', 'whole demos, each a process and a federation of its own')
  .option('--runs <n>', 'how many', count, 5)
  .option('--attack <name>', attackNames.join(', '), 'noisy-flip')
  .action(printed(benchDemo));

bench('krum', 'one Krum, beside plain JavaScript, numpy and torch')
  .option('--clients <n>', 'updates', count, 100)
  .option('--params <n>', 'values of each', count, 1_000_000)
  .option('--runs <n>', 'timed runs of each side', count, 3)
  .option('--memory-budget <MB>', 'updates that take more lie in files', count, 4_000)
  .action(printed(benchKrum));

bench('coordinate-rules', 'rules that work by coordinates and over mixed updates, beside their numpy forms')
  .option('--runs <n>', 'timed runs of each side', count, 3)
  .action(printed(benchCoordinateRules));

bench('admission', 'updates through the receive spine, beside the plainest durable receiving of the same bytes')
  .option('--seconds <n>', 'of measuring', count, 20)
  .action(printed(benchAdmission));

bench('aggregation-conformance', 'vectors of the field and laws that each aggregation rule passes').action(
  printed((_: object, print) => benchAggregationConformance(print)),
);

bench('anomaly', 'how many lying updates are detected, and how many honest ones')
  .option('--seeds <n>', 'federations of each split and privacy', count, 3)
  .action(printed(benchAnomaly));

bench(
  'accounting',
  'an epsilon and a calibration, by RDP and by numerical composition, beside Opacus and dp_accounting',
)
  .option('--runs <n>', 'timed runs of each', count, 5)
  .action(printed(benchAccounting));

bench('privacy-kills', 'what a client killed at random moments has given away beyond its privacy ledger')
  .option('--kills <n>', 'how many', count, 100)
  .option('--seed <n>', 'of the moments', count, 1)
  .action(printed(benchPrivacyKills));

bench('central-training', 'accuracy of private training in one place at epsilon 1, 3 and 8, beside Opacus')
  .option('--runs <n>', 'of each budget, on both sides', count, 3)
  .action(printed(benchCentralTraining));

bench('per-example-gradients', 'private training steps beside plain ones, on every backend')
  .option('--runs <n>', 'timed steps of each', count, 7)
  .action(printed(benchPerExampleGradients));

function count(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number of at least 1 is expected');
  return Number(text);
}

await program.parseAsync();
