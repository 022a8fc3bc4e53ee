// muster round N: one round with a verdict for everyone who was offered it, and why.

import { Command } from 'commander';
import { RefusedError, refuse, refusalCatalogue } from '../../shared/protocol/refusals.ts';
import type { RoundRecord, Verdict } from '../../shared/protocol/round-record.ts';
import { wholeNumber } from '../option-values.ts';
import { type JsonTarget, printResult } from '../output.ts';
import { withHistory } from '../read-history.ts';
import { table } from '../text.ts';

export function roundCommand(): Command {
  return new Command('round')
    .description('Show one round: who was selected, who was refused, and why.')
    .argument('<number>', 'the round', wholeNumber('the round', 1))
    .option('--dir <folder>', 'data folder', 'muster-data')
    .option('--json [file]', 'the record as JSON, on stdout or in a file')
    .action(async (number: number, { dir, json }: { dir: string; json?: JsonTarget }) => {
      const round = await withHistory(dir, ({ rounds }) => readRound(number, rounds));
      await printResult({ round }, roundText(round), json);
    });
}

/** @throws RefusedError where there is no such round. */
async function readRound(number: number, rounds: { records(): Promise<readonly RoundRecord[]> }): Promise<RoundRecord> {
  const records = await rounds.records();
  const record = records.find((each) => each.number === number);
  if (record) return record;
  const expected = records.length > 0 ? `1 to ${records.length}` : 'no round has ended yet';
  throw new RefusedError(refuse('unknown-round', { expected, found: `${number}` }).refusal);
}

function roundText(round: RoundRecord): string {
  const { number, state, code, rule, f, updates, baseModel, model, offeredAt, closedAt, stepNormL2 } = round;
  const averaged = rule.m === null ? '' : `, m = ${rule.m}`;
  return [
    `Round ${number}: ${state}${code === null ? '' : ` (${code}: ${refusalCatalogue[code].meaning})`}`,
    `  ${rule.name} (${rule.variant}), f = ${f}${averaged}, ${updates.length} updates reached it`,
    `  offered ${offeredAt}, closed ${closedAt}`,
    `  base model  ${baseModel}`,
    `  model       ${model ?? 'none: the base model stays'}`,
    `  step        ${stepNormL2?.toFixed(4) ?? '-'} (L2)`,
    '',
    table(
      ['client', 'organisation', 'verdict', 'why', 'norm', 'noise', 'deficit', 'z', 'score', 'epsilon', 'flags'],
      round.verdicts.map(verdictRow),
    ),
  ].join('\n');
}

function verdictRow({
  client,
  organisation,
  verdict,
  code,
  layer,
  normL2,
  noiseRatio,
  noiseDeficit,
  normZ,
  score,
  epsilon,
  flags,
}: Verdict): string[] {
  const why = code ?? (verdict === 'selected' ? '' : (layer ?? ''));
  const figures = [normL2, noiseRatio, noiseDeficit, normZ, score, epsilon].map((value) => value?.toFixed(3) ?? '-');
  return [client.slice(0, 12), organisation, verdict, why, ...figures, flags.join(' ')];
}
