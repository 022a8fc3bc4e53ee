// How tests run: in Node, all files on one process a core, which saves loading the rooms and TensorFlow.js for every file,
// and optimising them anew. Files that put a module in the place of another, or start a backend in a process that has
// none yet, have a process of their own. Whatever a file changes of the process it puts back.
// What needs something this machine lacks skips itself and prints why (test/support/python.ts).

import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const apart = ['test/client-sdk/training/load-backend.test.ts'];

const tests = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((file) => `test/${file}`)
  .filter((file) => file.endsWith('.test.ts') && !file.startsWith('test/fixtures/'));
const together = tests.filter((file) => !apart.includes(file) && !readFileSync(file, 'utf8').includes('vi.mock('));

const common = {
  environment: 'node' as const,
  pool: 'forks' as const,
  // All cores: most of the time goes by waiting for disks and sockets.
  maxWorkers: '100%',
  testTimeout: 20_000,
  hookTimeout: 20_000,
};

export default defineConfig({
  test: {
    globalSetup: 'test/support/built-package.ts',
    projects: [
      { test: { ...common, name: 'together', include: together, isolate: false } },
      { test: { ...common, name: 'apart', include: tests.filter((file) => !together.includes(file)) } },
    ],
  },
});
