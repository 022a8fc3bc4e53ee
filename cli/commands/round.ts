// muster round N: one round with a verdict for everyone who was offered it, and why.

import { Command } from 'commander';
import { accepted, refusalCatalogue } from '../../shared/protocol/refusals.ts';
import type { RoundRecord, Verdict } from '../../shared/protocol/round-record.ts';
import { unknownRound } from '../../server/audit/export-bundle.ts';
import { type EpsilonByAdversary, epsilonByAdversary } from '../../server/privacy/epsilon-by-adversary.ts';
import type { FederationStores } from '../../server/storage/federation-stores.ts';
import { certificateText } from '../certificate-text.ts';
import { wholeNumber } from '../option-values.ts';
import { type JsonTarget, printResult } from '../output.ts';
import { privacyOf, privacyText } from '../privacy/promise.ts';
import { table } from '../text.ts';
import { withFolder } from '../with-folder.ts';

export function roundCommand(): Command {
  return new Command('round')
    .description('Show one round: who was selected, who was refused, and why.')
    .argument('<number>', 'the round', wholeNumber('the round', 1))
    .option('--dir <folder>', 'data folder', 'muster-data')
    .option('--json [file]', 'the record as JSON, on stdout or in a file')
    .action(async (number: number, { dir, json }: { dir: string; json?: JsonTarget }) => {
      const { round, privacy } = await withFolder(dir, async ({ stores }) => {
        const record = await readRound(number, stores.rounds);
        const until = (await stores.rounds.records()).slice(0, number);
        return { round: record, privacy: epsilonByAdversary(await privacyOf(stores), until) };
      });
      await printResult({ round, privacy }, roundText(round, privacy), json);
    });
}

/** @throws RefusedError where there is no such round. */
async function readRound(number: number, rounds: FederationStores['rounds']): Promise<RoundRecord> {
  return accepted<RoundRecord>((await rounds.record(number)) ?? (await unknownRound(number, rounds)));
}

function roundText(round: RoundRecord, privacy: EpsilonByAdversary): string {
  const { number, state, code, rule, f, updates, baseModel, model, offeredAt, closedAt, stepNormL2, aggregation } =
    round;
  const averaged = rule.m === null ? '' : `, m = ${rule.m}`;
  return [
    `Round ${number}: ${state}${code === null ? '' : ` (${code}: ${refusalCatalogue[code].meaning})`}`,
    `  ${rule.name} (${rule.variant}), f = ${f}${averaged}, ${updates.length} updates reached it`,
    `  offered ${offeredAt}, closed ${closedAt}`,
    `  base model  ${baseModel}`,
    `  model       ${model ?? 'none: the base model stays'}`,
    `  step        ${stepNormL2?.toFixed(4) ?? '-'} (L2)`,
    ...(aggregation ? [`  certificate ${certificateText(aggregation.certificate, f)}`] : []),
    '',
    verdictTable(round.verdicts),
    ...legend(round.verdicts),
    ...(aggregation?.warnings ?? []).map((warning) => `warning: ${warning}`),
    '',
    ...releaseLines(round),
    privacyText(privacy),
    '',
    'All figures: --json. What they mean: server/update/anomaly/README.md',
  ].join('\n');
}

/** Of a round under central privacy. */
function releaseLines({ central }: RoundRecord): readonly string[] {
  if (central === null) return [];
  const { clippingNormL2, nextClippingNormL2, plannedClients, noiseMultiplier } = central;
  const next = nextClippingNormL2 === clippingNormL2 ? '' : ` (next round ${nextClippingNormL2.toPrecision(4)})`;
  const mechanism = `clipped to ${clippingNormL2.toPrecision(4)}${next}, summed, noise multiplier ${noiseMultiplier.toPrecision(4)}, over ${plannedClients} planned clients`;
  return [`Central privacy: updates ${mechanism}. Figures of single updates are withheld.`, ''];
}

const head = ['client', 'organisation', 'verdict', 'why', 'norm', 'noise', 'deficit', 'z', 'score', 'epsilon', 'flags'];
const NOTHING: readonly string[] = ['', '-'];

/** Columns in which nobody has anything are left out. */
function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(verdictRow);
  const filled = head.flatMap((_, i) => (rows.every((row) => NOTHING.includes(row[i] ?? '')) ? [] : i));
  const kept = (row: readonly string[]): string[] => filled.map((i) => row[i] ?? '');
  return table(kept(head), rows.map(kept));
}

/** What the flags that occur say. */
const flagMeanings: Readonly<Record<string, string>> = {
  'norm-outlier': 'its norm lies far from the cohort’s (z)',
  'cosine-outlier': 'it points away from the median of the others',
  'sign-outlier': 'its signs are shared out otherwise than the others’',
  'near-duplicate': 'another update is the same, or points the same way',
  'spectral-outlier': 'it lies far out where the cohort differs most',
  suspect: 'its own history speaks against the client',
};

function legend(verdicts: readonly Verdict[]): readonly string[] {
  const flags = [...new Set(verdicts.flatMap((verdict) => verdict.flags))].sort();
  return flags.map((flag) => `  ${flag}: ${flagMeanings[flag] ?? 'a rule of the admin'}`);
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
