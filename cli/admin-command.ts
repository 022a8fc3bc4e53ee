// What all commands of an admin have in common: the data folder they act on, and their result as JSON.

import { Command } from 'commander';
import type { JsonTarget } from './output.ts';

export interface AdminOptions {
  readonly dir: string;
  readonly json?: JsonTarget;
}

export function adminCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--dir <folder>', 'data folder, whether or not a coordinator runs on it', 'muster-data')
    .option('--json [file]', 'the result as JSON, on stdout or in a file');
}
