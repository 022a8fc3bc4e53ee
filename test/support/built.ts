// Where a source lies once it is built, for tests that start it as a process.

import { join } from 'node:path';
import { inject } from 'vitest';

/** `source`: from the root of the repository, as in "cli/main.ts". */
export function built(source: string): string {
  return join(inject('builtPackage'), 'dist', source.replace(/\.ts$/, '.js'));
}
