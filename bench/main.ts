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
import { printer } from './figure.ts';
import { benchKrum } from './krum.ts';
import { benchPerExampleGradients } from './per-example-gradients.ts';
import { benchPrivacyKills } from './privacy-kills.ts';

const EXIT_REFUSED = 2;

const program = new Command('bench')
  .description('Measure. What each figure means stands in bench/README.md.')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_REFUSED));

program
  .command('demo')
  .description('whole demos, each a process and a federation of its own')
  .option('--runs <n>', 'how many', count, 5)
  .option('--attack <name>', attackNames.join(', '), 'noisy-flip')
  .option('--json', 'one object a line')
  .action(async ({ runs, attack, json = false }: { runs: number; attack: string; json?: boolean }) => {
    await benchDemo({ runs, attack }, printer('demo', json));
  });

program
  .command('krum')
  .description('one Krum, beside plain JavaScript, numpy and torch')
  .option('--clients <n>', 'updates', count, 100)
  .option('--params <n>', 'values of each', count, 1_000_000)
  .option('--runs <n>', 'timed runs of each side', count, 3)
  .option('--memory-budget <MB>', 'updates that take more lie in files', count, 4_000)
  .option('--json', 'one object a line')
  .action(async ({ json = false, ...bench }: Parameters<typeof benchKrum>[0] & { json?: boolean }) => {
    await benchKrum(bench, printer('krum', json));
  });

program
  .command('coordinate-rules')
  .description('rules that work by coordinates and over mixed updates, beside their numpy forms')
  .option('--runs <n>', 'timed runs of each side', count, 3)
  .option('--json', 'one object a line')
  .action(async ({ runs, json = false }: { runs: number; json?: boolean }) => {
    await benchCoordinateRules({ runs }, printer('coordinate-rules', json));
  });

program
  .command('admission')
  .description('updates through the receive spine, beside the plainest durable receiving of the same bytes')
  .option('--seconds <n>', 'of measuring', count, 20)
  .option('--json', 'one object a line')
  .action(async ({ seconds, json = false }: { seconds: number; json?: boolean }) => {
    await benchAdmission({ seconds }, printer('admission', json));
  });

program
  .command('aggregation-conformance')
  .description('vectors of the field and laws that each aggregation rule passes')
  .option('--json', 'one object a line')
  .action(async ({ json = false }: { json?: boolean }) => {
    await benchAggregationConformance(printer('aggregation-conformance', json));
  });

program
  .command('anomaly')
  .description('how many lying updates are detected, and how many honest ones')
  .option('--seeds <n>', 'federations of each split and privacy', count, 3)
  .option('--json', 'one object a line')
  .action(async ({ seeds, json = false }: { seeds: number; json?: boolean }) => {
    await benchAnomaly({ seeds }, printer('anomaly', json));
  });

program
  .command('accounting')
  .description('an epsilon and a calibration, by RDP and by numerical composition, beside Opacus and dp_accounting')
  .option('--runs <n>', 'timed runs of each', count, 5)
  .option('--json', 'one object a line')
  .action(async ({ runs, json = false }: { runs: number; json?: boolean }) => {
    await benchAccounting({ runs }, printer('accounting', json));
  });

program
  .command('privacy-kills')
  .description('what a client killed at random moments has given away beyond its privacy ledger')
  .option('--kills <n>', 'how many', count, 100)
  .option('--seed <n>', 'of the moments', count, 1)
  .option('--json', 'one object a line')
  .action(async ({ kills, seed, json = false }: { kills: number; seed: number; json?: boolean }) => {
    await benchPrivacyKills({ kills, seed }, printer('privacy-kills', json));
  });

program
  .command('central-training')
  .description('accuracy of private training in one place at epsilon 1, 3 and 8, beside Opacus')
  .option('--runs <n>', 'of each budget, on both sides', count, 3)
  .option('--json', 'one object a line')
  .action(async ({ runs, json = false }: { runs: number; json?: boolean }) => {
    await benchCentralTraining({ runs }, printer('central-training', json));
  });

program
  .command('per-example-gradients')
  .description('private training steps beside plain ones, on every backend')
  .option('--runs <n>', 'timed steps of each', count, 7)
  .option('--json', 'one object a line')
  .action(async ({ runs, json = false }: { runs: number; json?: boolean }) => {
    await benchPerExampleGradients({ runs }, printer('per-example-gradients', json));
  });

function count(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number of at least 1 is expected');
  return Number(text);
}

await program.parseAsync();
