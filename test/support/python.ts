// The oracles of test/oracles are Python scripts. A test that runs one is skipped, with the reason, where Python or
// numpy is missing; MUSTER_REQUIRE_PYTHON=1 (set in CI) makes that a failure. MUSTER_PYTHON names the interpreter.

import { spawnSync } from 'node:child_process';

/** `skip` says why oracles cannot run here. */
export type Python = { readonly command: string } | { readonly skip: string };

/** @throws Error when something is missing and MUSTER_REQUIRE_PYTHON is 1. */
export function pythonWithNumpy(): Python {
  const command = process.env['MUSTER_PYTHON'] ?? 'python3';
  const { error, status, stderr } = spawnSync(command, ['-c', 'import numpy'], { encoding: 'utf8' });
  if (status === 0) return { command };
  const reason = error?.message ?? stderr.trim().split('\n').at(-1);
  const skip = `${command} cannot import numpy: ${reason}`;
  if (process.env['MUSTER_REQUIRE_PYTHON'] === '1') throw new Error(skip);
  return { skip };
}
