// Arguments that do not fit any command: which of them, and what was probably meant.

import type { Command, CommanderError } from 'commander';
import { closest } from 'fastest-levenshtein';
import { type Refusal, refuse } from '../shared/protocol/refusals.ts';

export function usageRefusal(error: CommanderError, program: Command, args: readonly string[]): Refusal {
  const { command, path, next } = commandMeant(program, args);
  if (command.commands.length > 0 && next !== undefined) {
    const names = command.commands.map((each) => each.name());
    const hint = didYouMean(next, names);
    return refuse('unknown-command', { expected: names.join(', '), found: next, hint }).refusal;
  }
  if (error.code === 'commander.unknownOption') {
    const found = /'([^']*)'/.exec(error.message)?.[1] ?? '';
    const flags = command.options.flatMap(({ long }) => (long ? [long] : []));
    const known = [...flags, '--help'];
    return refuse('unknown-option', { expected: known.join(' '), found, hint: didYouMean(found, known) }).refusal;
  }
  const hint = `see ${path.join(' ')} --help`;
  return refuse('bad-option', { message: error.message.replace(/^error: /, ''), hint }).refusal;
}

interface Meant {
  /** The innermost command that the arguments name. */
  readonly command: Command;
  /** Its name, from `muster` on. */
  readonly path: readonly string[];
  /** The word that stands where the name of one of its own commands could; undefined for an option or nothing. */
  readonly next: string | undefined;
}

function commandMeant(program: Command, args: readonly string[]): Meant {
  let command = program;
  const path = [program.name()];
  for (const word of args) {
    const inner = command.commands.find((each) => each.name() === word);
    if (!inner) return { command, path, next: word.startsWith('-') ? undefined : word };
    command = inner;
    path.push(word);
  }
  return { command, path, next: undefined };
}

const didYouMean = (word: string, known: readonly string[]): string => `did you mean ${closest(word, [...known])}?`;
