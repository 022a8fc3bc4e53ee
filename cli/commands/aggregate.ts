// muster aggregate: one rule over updates in files, for researchers: the aggregate, who was selected, how far liars can
// have moved it.

import { resolve } from 'node:path';
import { Command } from 'commander';
import { accepted, RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import { encodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { preNames } from '../../server/aggregation/pre/pre-aggregators.ts';
import { ruleNames } from '../../server/aggregation/rules.ts';
import { aggregated } from '../aggregate/aggregate-updates.ts';
import type { RuleWish } from '../aggregate/input.ts';
import { type AggregateReport, aggregateReport, aggregateText } from '../aggregate/report.ts';
import { type AggregatePaths, type AggregateSources, readSources } from '../aggregate/sources.ts';
import { composedRule, type ComposedRule, mergedWish } from '../aggregate/wish.ts';
import { withSetting, withStep } from '../aggregate/words.ts';
import { interruption } from '../interrupt.ts';
import { misfit, oneOf, wholeNumber } from '../option-values.ts';
import { type JsonTarget, printResult, requireWritable, tell } from '../output.ts';
import { writeWhole } from '../write-whole.ts';

interface AggregateOptions
  extends Pick<RuleWish, 'rule' | 'f' | 'm' | 'pre' | 'seed'>, Pick<AggregatePaths, 'in' | 'reference'> {
  readonly option?: RuleWish['options'];
  readonly out?: string;
  readonly threads?: number;
  readonly json?: JsonTarget;
}

const MOST_THREADS = 64;

export function aggregateCommand(): Command {
  return new Command('aggregate')
    .description('Compute one aggregation rule over updates in files, and show what became of each.')
    .argument('[files...]', 'updates in safetensors files of the same tensors, each named by its path')
    .option('--in <file>', 'updates in a JSON file in their place, - for stdin')
    .option('--rule <name>', ruleNames.join(', '), oneOf(ruleNames, 'unknown-rule'))
    .option('--f <n>', 'liars among the updates that the rule has to tolerate (0)', wholeNumber('--f', 0))
    .option('--m <n>', 'how many updates multi-krum averages (n - f - 2)', wholeNumber('--m', 1))
    .option('--pre <step>', `goes before the rule, may be repeated: ${preNames.join(', ')}`, withStep)
    .option('--option <key=value>', 'of the rule, may be repeated', withSetting)
    .option('--seed <n>', 'what dnc, sign-guard and bucketing draw from', wholeNumber('--seed', 0))
    .option('--reference <file>', 'root update of fltrust, or start of centered-clipping (0), in safetensors')
    .option('--out <file>', 'write the aggregate to a safetensors file')
    .option(
      '--threads <n>',
      'as many as there are cores; no bit depends on it',
      wholeNumber('--threads', 1, MOST_THREADS),
    )
    .option('--json [file.json]', 'the result as JSON, on stdout or in a file', jsonTarget)
    .addHelpText('after', HELP)
    .action(async (files: readonly string[], options: AggregateOptions) => await run(files, options));
}

const HELP = `
The JSON file: {"updates": [[1, 2], [3, 4]], "ids": ["a", "b"], "rule": "krum", "f": 2, "m": 1,
  "pre": ["nnm", {"name": "clip", "norm": 2}], "options": {"variant": "d4"}, "reference": [0, 0], "seed": 7}
All but updates may be left out. Flags go before it; --rule of another rule leaves its m and options behind.
Updates are rounded to float32; at most 256 MiB of JSON, and of safetensors 2 GiB a file and half of memory.
Steps go from left to right: --pre clip:norm=2 --pre bucketing:size=2,seed=7 --pre nnm`;

/** `--json=` is the flag alone. */
const jsonTarget = (text: string): JsonTarget => (text === '' ? true : text);

async function run(files: readonly string[], options: AggregateOptions): Promise<void> {
  const { rule, f, m, pre, option, seed, out, threads, json } = options;
  const inputs = [...files, options.in, options.reference];
  requireOtherFile('--out', out, inputs);
  requireOtherFile('--json', json, [...inputs, out]);
  await requireWritable(json);
  const sources = await readSources({ files, in: options.in, reference: options.reference });
  if (json !== undefined) requirePrintable(sources);
  const wish = mergedWish(sources.wish, { rule, f, m, pre, options: option, seed });
  const composed = accepted<ComposedRule>(composedRule(wish));
  const { signal, dispose } = interruption();
  try {
    if (json === undefined) tellOfLongWork(sources, composed);
    const report = aggregateReport(await aggregated({ sources, composed, threads, signal }));
    if (out !== undefined) await writeWhole(out, encoded(report, sources));
    await printResult(report, aggregateText(report), json);
  } finally {
    dispose();
  }
}

/** @throws RefusedError where what is written would take the place of what is read, or of what else is written. */
function requireOtherFile(option: string, target: JsonTarget, files: readonly (string | undefined)[]): void {
  if (typeof target !== 'string') return;
  const same = files.find((file) => file !== undefined && resolve(file) === resolve(target));
  if (same !== undefined) throw misfit(option, 'a file of its own, that is none of the updates', target);
}

/** As text; more does not fit into one string of JavaScript. */
const MOST_PRINTED_VALUES = 10_000_000;

function requirePrintable({ rows }: AggregateSources): void {
  const d = rows[0]?.length ?? 0;
  if (d <= MOST_PRINTED_VALUES) return;
  const hint = 'leave --json away and write the aggregate with --out FILE.safetensors';
  const facts = { expected: `at most ${MOST_PRINTED_VALUES} values in JSON`, found: `${d}`, hint };
  throw new RefusedError(refuse('bad-option', facts).refusal);
}

/** Values of all updates together, above which a person should know what is going on. */
const LONG_WORK = 5_000_000;

function tellOfLongWork({ rows }: AggregateSources, { name }: ComposedRule): void {
  const d = rows[0]?.length ?? 0;
  if (rows.length * d > LONG_WORK) tell(`${name} over ${rows.length} updates of ${d} values …`);
}

function encoded({ aggregate }: AggregateReport, { schema }: AggregateSources): Uint8Array {
  return encodeSafetensors(schema ?? [{ name: 'aggregate', shape: [aggregate.length] }], Float32Array.from(aggregate));
}
