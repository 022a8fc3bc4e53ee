#!/usr/bin/env node
// The command line, `muster`. Exit codes: 0 ok, 1 fault, 2 refused input, 3 a check that failed, 130 interrupted.

import { heedClosedOutput } from './interrupt.ts';
import { runCommandLine } from './run-command-line.ts';

heedClosedOutput([process.stdout, process.stderr]);
process.exitCode = await runCommandLine(process.argv.slice(2));
