// muster rounds: the history of a folder, a line a round.

import { Command } from 'commander';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import { type EpsilonByAdversary, epsilonByAdversary } from '../../server/privacy/epsilon-by-adversary.ts';
import { type JsonTarget, printResult } from '../output.ts';
import { privacyOf, privacyText } from '../privacy/promise.ts';
import { table } from '../text.ts';
import { withFolder } from '../with-folder.ts';

export function roundsCommand(): Command {
  return new Command('rounds')
    .description('Show the rounds that a data folder holds.')
    .option('--dir <folder>', 'data folder', 'muster-data')
    .option('--json [file]', 'the records as JSON, on stdout or in a file')
    .action(async ({ dir, json }: { dir: string; json?: JsonTarget }) => {
      const { rounds, privacy } = await withFolder(dir, async ({ stores }) => {
        const records = await stores.rounds.records();
        return { rounds: records, privacy: epsilonByAdversary(await privacyOf(stores), records) };
      });
      await printResult({ rounds, privacy }, roundsText(rounds, privacy), json);
    });
}

function roundsText(rounds: readonly RoundRecord[], privacy: EpsilonByAdversary): string {
  if (rounds.length === 0) return 'No round has ended yet.';
  const rows = rounds.map(({ number, state, code, cohort, verdicts, f, rule, stepNormL2, bytesReceived, model }) => [
    number,
    code ?? state,
    cohort.length,
    verdicts.filter(({ verdict }) => verdict === 'selected').length,
    verdicts.filter(({ verdict }) => verdict === 'refused').length,
    `${rule.name}, f = ${f}`,
    stepNormL2?.toFixed(3) ?? '-',
    `${(bytesReceived / 1024).toFixed(0)} KiB`,
    model?.slice(0, 12) ?? '-',
  ]);
  const head = ['round', 'state', 'offered', 'selected', 'refused', 'rule', 'step', 'received', 'model'];
  return [table(head, rows), '', privacyText(privacy)].join('\n');
}
