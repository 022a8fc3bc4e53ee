// Arguments in, exit code out. Every way in which a command can end badly is told in one place, in one form.

import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';
import { type Refusal, RefusedError, refuse } from '../shared/protocol/refusals.ts';
import { demoCommand } from './commands/demo.ts';
import { initCommand } from './commands/init.ts';
import { roundCommand } from './commands/round.ts';
import { roundsCommand } from './commands/rounds.ts';
import { startCommand } from './commands/start.ts';
import { EXIT_INTERRUPTED, InterruptedError } from './interrupt.ts';
import { type JsonTarget, printFault, printRefusal } from './output.ts';

/** The package's own, found by its name from the source as from the build. */
const { version } = z.object({ version: z.string() }).parse(createRequire(import.meta.url)('muster-fl/package.json'));

const EXIT_FAULT = 1;
const EXIT_REFUSED = 2;

export async function runCommandLine(args: readonly string[]): Promise<number> {
  const program = musterProgram();
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return await explain(error, program, args);
  }
}

function musterProgram(): Command {
  const program = new Command('muster')
    .description('A federated learning coordinator: signed updates, local differential privacy, robust aggregation.')
    .version(version)
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: () => undefined })
    .helpCommand(false);
  for (const command of [demoCommand(), initCommand(), startCommand(), roundsCommand(), roundCommand()]) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}

async function explain(error: unknown, program: Command, args: readonly string[]): Promise<number> {
  const json = jsonTarget(args);
  if (error instanceof InterruptedError) return EXIT_INTERRUPTED;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (args.length === 0) return EXIT_REFUSED;
    await printRefusal(usageRefusal(error, program, args), json);
    return EXIT_REFUSED;
  }
  if (error instanceof RefusedError) {
    await printRefusal(error.refusal, json);
    return EXIT_REFUSED;
  }
  await printFault(error, json);
  return EXIT_FAULT;
}

/** Also where the arguments could not be read as a whole: the error is wanted as JSON all the same. */
function jsonTarget(args: readonly string[]): JsonTarget {
  const at = args.findIndex((arg) => arg === '--json' || arg.startsWith('--json='));
  if (at < 0) return undefined;
  const value = args[at]?.startsWith('--json=') ? args[at]?.slice('--json='.length) : args[at + 1];
  return value === undefined || value === '' || value.startsWith('-') ? true : value;
}

function usageRefusal(error: CommanderError, program: Command, args: readonly string[]): Refusal {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  const command = program.commands.find((each) => each.name() === args[0]);
  if (error.code === 'commander.unknownCommand' || (!command && error.code === 'commander.excessArguments')) {
    const names = program.commands.map((each) => each.name());
    return refuse('unknown-command', { expected: names.join(', '), found: quoted, hint: didYouMean(quoted, names) })
      .refusal;
  }
  if (error.code === 'commander.unknownOption') {
    const flags = (command ?? program).options.flatMap(({ long }) => (long ? [long] : []));
    const known = [...flags, '--help'];
    return refuse('unknown-option', { expected: known.join(' '), found: quoted, hint: didYouMean(quoted, known) })
      .refusal;
  }
  const hint = `muster ${command?.name() ?? ''} --help`.replace('  ', ' ');
  return refuse('bad-option', { message: error.message.replace(/^error: /, ''), hint: `see ${hint}` }).refusal;
}

const didYouMean = (word: string, known: readonly string[]): string => `did you mean ${closest(word, [...known])}?`;
