// The command line within the test's own process: arguments in, exit code and both outputs back, colours taken off.

import { stripVTControlCharacters } from 'node:util';
import { vi } from 'vitest';
import { runCommandLine } from '../../cli/run-command-line.ts';
import type { Ended } from './muster-process.ts';

export async function runHere(...args: readonly string[]): Promise<Ended> {
  return await capturing(() => runCommandLine(args));
}

/** What `act` writes to stdout and stderr; its number is taken for an exit code. */
export async function capturing(act: () => Promise<number>): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += stripVTControlCharacters(String(text));
      return true;
    }),
  );
  try {
    return { exitCode: await act(), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
