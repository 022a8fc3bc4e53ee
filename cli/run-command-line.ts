// Arguments in, exit code out. Every way in which a command can end badly is told in one place, in one form.

import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { RefusedError } from '../shared/protocol/refusals.ts';
import { aggregateCommand } from './commands/aggregate.ts';
import { approveCommand } from './commands/approve.ts';
import { banCommand } from './commands/ban.ts';
import { bundleCommand } from './commands/bundle.ts';
import { clientsCommand } from './commands/clients.ts';
import { demoCommand } from './commands/demo.ts';
import { initCommand } from './commands/init.ts';
import { inviteCommand } from './commands/invite.ts';
import { invitesCommand } from './commands/invites.ts';
import { ledgerCommand } from './commands/ledger.ts';
import { planCommand } from './commands/plan.ts';
import { privacyCommand } from './commands/privacy.ts';
import { revokeInviteCommand } from './commands/revoke-invite.ts';
import { revokeCommand } from './commands/revoke.ts';
import { rotateCommand } from './commands/rotate.ts';
import { roundCommand } from './commands/round.ts';
import { roundsCommand } from './commands/rounds.ts';
import { startCommand } from './commands/start.ts';
import { unbanCommand } from './commands/unban.ts';
import { EXIT_FAILED_CHECK, FailedCheckError } from './failed-check.ts';
import { EXIT_INTERRUPTED, InterruptedError } from './interrupt.ts';
import { type JsonTarget, printFault, printRefusal } from './output.ts';
import { usageRefusal } from './usage-refusal.ts';

/** The package's own, found by its name from the source as from the build. */
const { version } = z.object({ version: z.string() }).parse(createRequire(import.meta.url)('muster-fl/package.json'));

const EXIT_FAULT = 1;
const EXIT_REFUSED = 2;

export async function runCommandLine(given: readonly string[], commands = musterCommands()): Promise<number> {
  const args = withoutUpdatesAsTargets(given);
  const program = programOf(commands);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return await explain(error, program, args);
  }
}

function programOf(commands: readonly Command[]): Command {
  const program = new Command('muster')
    .description('A federated learning coordinator: signed updates, local differential privacy, robust aggregation.')
    .version(version)
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: () => undefined })
    .helpCommand(false);
  for (const command of commands) program.addCommand(command);
  inheritSettings(program);
  return program;
}

/** In the order of --help. */
const musterCommands = (): readonly Command[] => [
  demoCommand(),
  initCommand(),
  planCommand(),
  startCommand(),
  roundsCommand(),
  roundCommand(),
  inviteCommand(),
  invitesCommand(),
  revokeInviteCommand(),
  clientsCommand(),
  approveCommand(),
  banCommand(),
  unbanCommand(),
  revokeCommand(),
  rotateCommand(),
  ledgerCommand(),
  bundleCommand(),
  aggregateCommand(),
  privacyCommand(),
];

/** Also to the commands of a group, such as `muster ledger verify`. */
function inheritSettings(group: Command): void {
  for (const command of group.commands) inheritSettings(command.copyInheritedSettings(group));
}

async function explain(error: unknown, program: Command, args: readonly string[]): Promise<number> {
  const json = jsonTarget(args);
  if (error instanceof InterruptedError) return EXIT_INTERRUPTED;
  if (error instanceof FailedCheckError) return EXIT_FAILED_CHECK;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // A group without its command: the help has been shown.
    if (error.code === 'commander.help') return EXIT_REFUSED;
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

/** A file that stands behind --json is an update, and never written over, unless its name ends in .json. */
function withoutUpdatesAsTargets(args: readonly string[]): readonly string[] {
  if (args[0] !== 'aggregate') return args;
  return args.map((arg, i) => (arg === '--json' && !args[i + 1]?.endsWith('.json') ? '--json=' : arg));
}

/**
 * Also where the arguments could not be read as a whole: the error is wanted as JSON all the same. It is never written
 * over a file that another argument names, such as the updates.
 */
function jsonTarget(args: readonly string[]): JsonTarget {
  const at = args.findIndex((arg) => arg === '--json' || arg.startsWith('--json='));
  if (at < 0) return undefined;
  const value = args[at]?.startsWith('--json=') ? args[at]?.slice('--json='.length) : args[at + 1];
  if (value === undefined || value === '' || value.startsWith('-')) return true;
  const named = args.filter((arg) => resolve(valueOf(arg)) === resolve(value));
  return named.length > 1 ? true : value;
}

/** What an argument names: all of it, or what stands behind the = of an option. */
const valueOf = (arg: string): string => /^--[^=]+=(.*)$/s.exec(arg)?.[1] ?? arg;
