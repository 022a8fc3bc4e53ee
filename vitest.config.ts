// How tests run: in Node. Files that hold native state (TensorFlow.js, SQLite), sockets or processes have a process each,
// so that none can reach another, and so have those that put a module in the place of another. The rooms that compute
// alone share one process a core, which saves loading them for every file.
// What needs something this machine lacks skips itself and prints why (test/support/python.ts).

import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const computing = /^test\/(shared|server\/(admission|aggregation|ledger|model|optimiser|privacy|transport|update))\//;

const tests = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((file) => `test/${file}`)
  .filter((file) => file.endsWith('.test.ts') && !file.startsWith('test/fixtures/'));
const together = tests.filter((file) => computing.test(file) && !readFileSync(file, 'utf8').includes('vi.mock('));

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
    projects: [
      { test: { ...common, name: 'together', include: together, isolate: false } },
      { test: { ...common, name: 'apart', include: tests.filter((file) => !together.includes(file)) } },
    ],
  },
});
