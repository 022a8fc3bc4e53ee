// muster demo: real clients, real digits, lying clients, a better model.

import { randomInt } from 'node:crypto';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { accepted, isRefused } from '../../shared/protocol/refusals.ts';
import { ruleNames } from '../../server/aggregation/rules.ts';
import { readDataFolder } from '../../server/storage/data-folder.ts';
import { attackNames, describeAttack } from '../../simulation/attacks.ts';
import { recordsOf, twinRounds } from '../../simulation/demo/demo-history.ts';
import { byzantineIds, type DemoResult, demoResult } from '../../simulation/demo/demo-result.ts';
import { demoFederation, type DemoSettings } from '../../simulation/demo/demo-settings.ts';
import { DEMO_DEFAULTS, type DemoWish, resolveSettings } from '../../simulation/demo/resolve-settings.ts';
import { DemoView } from '../demo-view.ts';
import { demoText } from '../demo-text.ts';
import { interruption } from '../interrupt.ts';
import { oneOf, positiveNumber, tolerance, wholeNumber } from '../option-values.ts';
import { type JsonTarget, printResult, requireWritable, tell } from '../output.ts';

type DemoOptions = DemoWish & { readonly dir?: string; readonly json?: JsonTarget };

const MAX_CLIENTS = 400;

export function demoCommand(): Command {
  const { clients, byzantine, attack, rule, rounds, epsilon } = DEMO_DEFAULTS;
  return new Command('demo')
    .description('Run a coordinator, SDK clients and attackers on real handwritten digits, and see what becomes of it.')
    .option('--clients <n>', `number of clients (${clients})`, wholeNumber('--clients', 1, MAX_CLIENTS))
    .option('--byzantine <n>', `how many of them attack (${byzantine})`, wholeNumber('--byzantine', 0))
    .option('--f <n>', 'liars the rule tolerates, a number or a share (as many as attack)', tolerance('--f'))
    .option('--attack <name>', `what attackers send (${attack})`, oneOf(attackNames, 'unknown-attack'))
    .option('--rule <name>', `${ruleNames.join(', ')} (${rule})`, oneOf(ruleNames, 'unknown-rule'))
    .option('--rounds <n>', `total of rounds in the folder (${rounds})`, wholeNumber('--rounds', 1, 1000))
    .option('--epsilon <x>', `privacy budget of every client (${epsilon})`, positiveNumber('--epsilon'))
    .option('--seed <n>', 'fixes split, first weights, cohort and attack', wholeNumber('--seed', 0, 2 ** 32 - 1))
    .option('--reproducible', 'seed the private noise too: same bits again, privacy void')
    .option('--dir <folder>', 'go on in this folder, or make it (a new one, named at the end)')
    .option('--json [file]', 'the result as JSON, on stdout or in a file')
    .addHelpText('after', attackHelp)
    .action(async (options: DemoOptions) => await runDemoCommand(options));
}

const attackHelp = (): string =>
  ['', 'Attacks:', ...attackNames.map((name) => `  ${name.padEnd(16)}${describeAttack(name)}`)].join('\n');

async function runDemoCommand({ dir: wishedDir, json, ...wish }: DemoOptions): Promise<void> {
  const dir = resolve(wishedDir ?? newFolderName(new Date()));
  const { settings } = accepted(await resolveSettings(dir, wish, randomInt(2 ** 31)));
  await requireWritable(json);
  const started = performance.now();
  if (!(await isFinished(dir, settings))) await runRounds(dir, settings);
  else tell(`All ${settings.rounds} rounds of this folder have been run: this is what they came to.`);
  const result = await resultOf(dir, settings, (performance.now() - started) / 1000);
  await printResult(result, demoText(result), json);
}

async function runRounds(dir: string, settings: DemoSettings): Promise<void> {
  const config = accepted(demoFederation(settings));
  // The SDK brings TensorFlow.js: not for --help, nor for a folder that is finished.
  const { runDemo } = await import('../../simulation/demo/run-demo.ts');
  const { signal, dispose } = interruption();
  const view = new DemoView(settings, () => byzantineIds(dir, settings));
  try {
    await runDemo({
      dir,
      settings,
      config,
      signal,
      onPhase: (phase) => view.phase(phase),
      onTrained: (round) => view.trained(round),
      onRound: async (round) => await view.round(round),
    });
  } catch (fault) {
    view.close();
    if (signal.aborted) tell(`Interrupted. Go on with: npm run demo -- --dir ${dir}`);
    throw signal.aborted ? signal.reason : fault;
  } finally {
    view.close();
    dispose();
  }
}

async function isFinished(dir: string, { rounds }: DemoSettings): Promise<boolean> {
  const folder = await readDataFolder(dir);
  if (isRefused(folder)) return false;
  const done = (await recordsOf(folder)).length;
  await folder.close();
  return done >= rounds && (await twinRounds(dir)) >= rounds;
}

async function resultOf(dir: string, settings: DemoSettings, seconds: number): Promise<DemoResult> {
  const config = accepted(demoFederation(settings));
  const folder = accepted(await readDataFolder(dir));
  try {
    return await demoResult({ dir, folder, settings, config, seconds });
  } finally {
    await folder.close();
  }
}

const newFolderName = (now: Date): string =>
  `muster-demo-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}`;
