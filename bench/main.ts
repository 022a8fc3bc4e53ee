// npm run -s bench -- NAME [options] --json

import { Command, InvalidArgumentError } from 'commander';
import { attackNames } from '../simulation/attacks.ts';
import { benchAdmission } from './admission.ts';
import { benchAnomaly } from './anomaly.ts';
import { benchDemo } from './demo.ts';
import { printer } from './figure.ts';
import { benchMultiKrum } from './multi-krum.ts';

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
  .command('multi-krum')
  .description('one aggregation, beside the same in numpy')
  .option('--clients <n>', 'updates', count, 20)
  .option('--parameters <n>', 'values of each', count, 7850)
  .option('--runs <n>', 'timed runs of each side', count, 15)
  .option('--json', 'one object a line')
  .action(async ({ json = false, ...size }: Parameters<typeof benchMultiKrum>[0] & { json?: boolean }) => {
    await benchMultiKrum(size, printer('multi-krum', json));
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
  .command('anomaly')
  .description('how many lying updates are detected, and how many honest ones')
  .option('--seeds <n>', 'federations of each split and privacy', count, 3)
  .option('--json', 'one object a line')
  .action(async ({ seeds, json = false }: { seeds: number; json?: boolean }) => {
    await benchAnomaly({ seeds }, printer('anomaly', json));
  });

function count(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number of at least 1 is expected');
  return Number(text);
}

await program.parseAsync();
